"""Where a model runs: on which device, in which dtype. The state of a callable is moved there and put back.

A model is any callable, so its state may be the parameters and buffers of modules, tensors kept as plain attributes, or
tensors in a closure (`lambda x: net(x)["energy"]`). All of it is swapped in place and restored to the very same tensors,
which needs no copy of the model and leaves nothing behind, also when the model changes its own buffers or raises.
"""

from __future__ import annotations

import functools
import inspect
import random
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from symcheck.errors import SettingsError, SubjectError, did_you_mean

DTYPES = {name: getattr(torch, name) for name in ("float64", "float32", "bfloat16", "float16")}
_SHORT = {"double": "float64", "f64": "float64", "float": "float32", "f32": "float32", "bf16": "bfloat16", "half": "float16"}
_COMPLEX = {torch.float64: torch.complex128, torch.float32: torch.complex64, torch.float16: torch.complex32}


def as_dtype(dtype: torch.dtype | str) -> torch.dtype:
    """A floating-point dtype from its name.

    >>> as_dtype("bf16")
    torch.bfloat16
    """
    name = str(dtype).removeprefix("torch.")
    name = _SHORT.get(name, name)
    if name not in DTYPES:
        raise SettingsError(f"{name!r} is no floating-point dtype to check in; {did_you_mean(name, DTYPES)}")
    found: torch.dtype = DTYPES[name]
    return found


def as_device(device: torch.device | str) -> torch.device:
    """A device that is there. SettingsError if it isn't, or if torch makes tensors elsewhere than on the CPU unless told to."""
    default = torch.empty(0).device  # get_default_device of torch 2.6 knows of no `with torch.device`
    if default.type != "cpu":
        raise SettingsError(
            f"torch's default device is {str(default)!r}; symcheck draws on the CPU, and moves model and inputs to the "
            f"`device` that it is given. Call it with the default back: with torch.device('cpu')."
        )
    try:
        found = torch.device(device)
        torch.zeros(1, device=found).item()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(
            f"device {str(device)!r} can't be used here ({reason}). Use 'cpu', or a machine that has it."
        ) from None
    return found


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """What torch, numpy and `random` draw inside follows from the seed, on every device; outside they go on as they were.

    Of numpy that is what its functions draw, such as `numpy.random.randn`; a generator of a model's own is the model's to seed.
    """
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    plain, theirs = random.getstate(), np.random.get_state()  # noqa: NPY002  # a model's weights may be of them
    try:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002  # it takes no more
            yield
    finally:
        random.setstate(plain)
        np.random.set_state(theirs)  # noqa: NPY002


def gpu_advice(error: BaseException) -> str:
    """What to do about an error of a model that needs a GPU where there is none; "" for any other error."""
    if torch.cuda.is_available() or not any(word in str(error) for word in ("CUDA", "NVIDIA", "cuda")):
        return ""
    return "It needs a GPU, and there is none here: make it on the CPU (symcheck moves it, with --device), or run where one is."


def widened(x: Tensor) -> Tensor:
    """A tensor in double precision, real or complex; integers and booleans as they are."""
    if x.is_complex():
        return x.to(torch.complex128)
    return x.double() if x.is_floating_point() else x


@dataclass(frozen=True)
class Placement:
    """A device and a floating-point dtype."""

    device: torch.device
    dtype: torch.dtype

    @property
    def eps(self) -> float:
        return float(torch.finfo(self.dtype).eps)

    @property
    def precision(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    def put(self, x: Tensor) -> Tensor:
        """A tensor here: floating-point and complex ones in this dtype, integers as they are."""
        if x.is_complex():
            return x.to(self.device, _COMPLEX.get(self.dtype, torch.complex64))
        return x.to(self.device, self.dtype) if x.is_floating_point() else x.to(self.device)

    def copied(self, x: Tensor) -> Tensor:
        """The same in memory of its own."""
        put = self.put(x)
        return put.clone() if put is x else put


@contextmanager
def placed(model: Callable[..., Any], placement: Placement) -> Iterator[Callable[..., Any]]:
    """The model with copies of its state at `placement`; afterwards its own tensors again, bit for bit.

    What a module keeps otherwise (counters, caches filled in the meantime, its training flag) is put back as well: its
    attributes, and lists, dicts and sets among them; and of other objects the tensors that they keep as attributes. Gradients
    that a model accumulates, as one does that calls `backward` for its forces, are its own again too.
    """
    state = [(tensor, tensor.data, tensor.grad if tensor.is_leaf else None) for tensor in tensors_of(model)]
    for tensor, _, _ in state:
        _check_movable(tensor)
    kept = [(box, box.copy()) for module in modules_of(model) for box in _boxes(module)]
    objects = [(box, box.copy()) for box in _attributes(model)]
    try:
        for tensor, data, grad in state:
            if grad is not None:
                tensor.grad = None  # or it would be added to, in another dtype
            tensor.data = placement.copied(data)
        yield model
    finally:
        for box, content in kept:
            if box or content:  # most are empty dicts of hooks
                box.clear()
                box.extend(content) if isinstance(box, (list, deque)) else box.update(content)
        for box, content in objects:
            _forget_tensors(box, content)
        for tensor, data, grad in state:
            if tensor.is_leaf:
                tensor.grad = None
            tensor.data = data
            if grad is not None:
                tensor.grad = grad


@contextmanager
def all_placed(models: Iterable[Callable[..., Any]], placement: Placement) -> Iterator[None]:
    """Several models at a placement, each once: a claim's own, and those that its property holds."""
    with ExitStack() as stack:
        for model in {id(model): model for model in models}.values():  # a dataclass has no hash
            stack.enter_context(placed(model, placement))
        yield


@contextmanager
def modes_kept(model: Any) -> Iterator[None]:
    """Afterwards each module is in training or in evaluation mode as it was."""
    before = [(module, module.training) for module in modules_of(model)]
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def _check_movable(tensor: Tensor) -> None:
    what = f"the model has a tensor of shape {tuple(tensor.shape)}" if not _lazy(tensor) else "the model has a lazy parameter"
    if _lazy(tensor):
        raise SubjectError(f"{what}, which has no shape before its first call. Call the model once first.")
    if tensor.is_inference():
        raise SubjectError(f"{what} made under torch.inference_mode, which can't be cast. Build the model outside of it.")
    if tensor.is_meta:
        raise SubjectError(f"{what} on device 'meta', which has no numbers. Load the model's weights first.")


def _lazy(tensor: Tensor) -> bool:
    return isinstance(tensor, nn.parameter.UninitializedParameter | nn.parameter.UninitializedBuffer)


def _boxes(module: nn.Module) -> list[Any]:
    """The containers in which a module keeps its attributes, and those that are its attributes."""
    if isinstance(module, torch.jit.ScriptModule):
        return []
    own = vars(module)
    return [*(value for value in own.values() if type(value) in _KINDS), own]


_KINDS = (dict, list, set, OrderedDict, defaultdict, deque)


def _attributes(model: Any) -> list[dict[str, Any]]:
    """Those of the objects, but modules, that a callable holds."""
    return [vars(held) for held in _reached(model) if _is_plain(held)]


def _forget_tensors(own: dict[str, Any], before: dict[str, Any]) -> None:
    """Put back the attributes that are other tensors than before. Else objects that count or take notes may do so."""
    for name in [name for name, value in own.items() if isinstance(value, Tensor) and value is not before.get(name)]:
        del own[name]
        own |= {name: before[name]} if name in before else {}


def own_dtype(model: Callable[..., Any]) -> torch.dtype | None:
    """The dtype of most of a model's floating-point numbers, or None if it has none."""
    counts: dict[torch.dtype, int] = {}
    for tensor in tensors_of(model):
        if tensor.dtype in DTYPES.values() and not _lazy(tensor):
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.numel()
    return max(counts, key=lambda dtype: counts[dtype]) if counts else None


def written(model: Any) -> dict[str, tuple[Tensor, int]]:
    """The tensors of a callable's state, by name, and how often each was written to in place.

    They are the tensors themselves, not their identities: one that is freed leaves its own to the next.
    """
    found = {}
    for held in _held(model):
        modules = held.named_modules() if isinstance(held, nn.Module) else ()
        for place, module in modules:
            own = {**vars(module), **dict(module.named_parameters(recurse=False)), **dict(module.named_buffers(recurse=False))}
            for name, value in own.items():
                if isinstance(value, Tensor) and not value.is_inference():
                    found[f"{place}.{name}".lstrip(".")] = value, value._version
    return found


def modules_of(model: Any) -> list[nn.Module]:
    """The modules that a callable is or holds: itself, its arguments bound in advance, its closure, its attributes."""
    return [module for held in _held(model) if isinstance(held, nn.Module) for module in held.modules()]


def module_names(model: Any) -> dict[int, str]:
    """The name of each of them by its identity, as the outermost module that holds it calls it; "" for that itself.

    A compiled module and the one that it was compiled from have one name.
    """
    found: dict[int, str] = {}
    for held in _held(model):
        if isinstance(held, nn.Module):
            for name, module in held.named_modules():
                found.setdefault(id(module), ".".join(part for part in name.split(".") if part != "_orig_mod"))
    return found


def tensors_of(model: Any) -> list[Tensor]:
    """The state of a callable, each tensor once: parameters, buffers, tensors as attributes and in the closure."""
    found: dict[int, Tensor] = {}
    for held in _held(model):
        tensors = _module_tensors(held) if isinstance(held, nn.Module) else [held]
        for tensor in tensors:
            found[id(tensor)] = tensor
    return list(found.values())


def _module_tensors(root: nn.Module) -> Iterator[Tensor]:
    yield from root.parameters()
    yield from root.buffers()
    for module in root.modules():
        yield from (value for value in vars(module).values() if isinstance(value, Tensor))


def _unregistered(root: nn.Module) -> Iterator[Any]:
    """Modules and tensors in the lists, tuples and dicts that modules have as attributes, which torch doesn't know of."""
    for module in root.modules():
        for name, value in vars(module).items():
            if isinstance(value, (dict, list, tuple)) and value and name not in ("_parameters", "_buffers", "_modules"):
                yield from _contained(value)


def _contained(box: Any) -> Iterator[Any]:
    for item in box.values() if isinstance(box, dict) else box:
        if isinstance(item, (nn.Module, Tensor)):
            yield item
        elif isinstance(item, (dict, list, tuple)):
            yield from _contained(item)


def _held(model: Any) -> list[Any]:
    """All modules and tensors that a callable holds, but those within the modules."""
    return [item for item in _reached(model) if isinstance(item, (nn.Module, Tensor))]


def _reached(model: Any) -> list[Any]:
    """All that a callable holds, found breadth first through closures, partials, bound methods and plain objects."""
    queue: deque[Any] = deque([model])
    seen: dict[int, Any] = {}
    while queue:
        item = queue.popleft()
        if id(item) in seen or len(seen) > 10_000:  # a huge registry in a closure isn't a model
            continue
        seen[id(item)] = item
        if isinstance(item, nn.Module):
            queue += _unregistered(item)
        elif isinstance(item, Tensor):
            continue
        elif isinstance(item, functools.partial):
            queue += [item.func, *item.args, *item.keywords.values()]
        elif isinstance(item, types.MethodType):
            queue += [item.__self__, item.__func__]
        elif isinstance(item, types.FunctionType):
            queue += _closure(item)
        elif isinstance(item, (list, tuple, set, frozenset)):
            queue += item
        elif isinstance(item, dict):
            queue += item.values()
        elif _is_plain(item):
            queue += vars(item).values()
    return list(seen.values())


def _is_plain(item: Any) -> bool:
    """Whether it is an object with attributes, and nothing that is told by its kind."""
    told = (nn.Module, Tensor, functools.partial, types.MethodType, types.FunctionType, type, types.ModuleType)
    return (
        hasattr(item, "__dict__") and not isinstance(item, told) and not isinstance(item, (list, tuple, set, frozenset, dict))
    )


def _closure(function: types.FunctionType) -> list[Any]:
    try:
        variables = inspect.getclosurevars(function)
    except ValueError:  # a cell that is still empty
        return []
    own = [value for value in variables.globals.values() if not isinstance(value, (type, types.ModuleType))]
    return [*variables.nonlocals.values(), *own, *(function.__defaults__ or ()), getattr(function, "__wrapped__", None)]
