"""Where a model runs: on which device, in which dtype. The state of a callable is moved there and put back.

A model is any callable, so its state may be the parameters and buffers of modules, tensors kept as plain attributes, or
tensors in a closure (`lambda x: net(x)["energy"]`). All of it is swapped in place and restored to the very same tensors,
which needs no copy of the model and leaves nothing behind, also when the model changes its own buffers or raises.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

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
    """A device that is there."""
    try:
        found = torch.device(device)
        torch.zeros(1, device=found).item()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(
            f"device {str(device)!r} can't be used here ({reason}). Use 'cpu', or a machine that has it."
        ) from None
    return found


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
    attributes, and lists, dicts and sets among them.
    """
    state = [(tensor, tensor.data) for tensor in tensors_of(model)]
    for tensor, _ in state:
        _check_movable(tensor)
    kept = [(box, box.copy()) for module in modules_of(model) for box in _boxes(module)]
    try:
        for tensor, data in state:
            tensor.data = placement.copied(data)
        yield model
    finally:
        for box, content in kept:
            box.clear()
            box.extend(content) if isinstance(box, list) else box.update(content)
        for tensor, data in state:
            tensor.data = data


@contextmanager
def all_placed(models: Iterable[Callable[..., Any]], placement: Placement) -> Iterator[None]:
    """Several models at a placement, each once: a claim's own, and those that its property holds."""
    with ExitStack() as stack:
        for model in dict.fromkeys(models):
            stack.enter_context(placed(model, placement))
        yield


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
    return [*(value for value in own.values() if type(value) in (dict, list, set)), own]


def own_dtype(model: Callable[..., Any]) -> torch.dtype | None:
    """The dtype of most of a model's floating-point numbers, or None if it has none."""
    counts: dict[torch.dtype, int] = {}
    for tensor in tensors_of(model):
        if tensor.dtype in DTYPES.values() and not _lazy(tensor):
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.numel()
    return max(counts, key=lambda dtype: counts[dtype]) if counts else None


def written(model: Any) -> dict[str, tuple[int, int]]:
    """For each tensor of a callable's state, by name, which tensor it is and how often it was written to in place."""
    found = {}
    for held in _held(model):
        modules = held.named_modules() if isinstance(held, nn.Module) else ()
        for place, module in modules:
            own = {**vars(module), **dict(module.named_parameters(recurse=False)), **dict(module.named_buffers(recurse=False))}
            for name, value in own.items():
                if isinstance(value, Tensor) and not value.is_inference():
                    found[f"{place}.{name}".lstrip(".")] = id(value), value._version
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
        tensors = _module_tensors(held) if isinstance(held, nn.Module) else [held] if isinstance(held, Tensor) else []
        for tensor in tensors:
            found[id(tensor)] = tensor
    return list(found.values())


def _module_tensors(root: nn.Module) -> Iterator[Tensor]:
    yield from root.parameters()
    yield from root.buffers()
    for module in root.modules():
        for value in vars(module).values():
            if isinstance(value, Tensor):
                yield value
            elif isinstance(value, (dict, list, tuple)) and value:  # most are empty dicts of hooks
                yield from (item for item in (value.values() if isinstance(value, dict) else value) if isinstance(item, Tensor))


def _held(model: Any) -> list[Any]:
    """All that a callable holds, found breadth first through closures, partials, bound methods and plain objects."""
    queue: list[Any] = [model]
    seen: set[int] = set()
    found: list[Any] = []
    while queue:
        item = queue.pop(0)
        if id(item) in seen or len(seen) > 10_000:  # a huge registry in a closure isn't a model
            continue
        seen.add(id(item))
        if isinstance(item, (nn.Module, Tensor)):
            found.append(item)
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
        elif hasattr(item, "__dict__") and not isinstance(item, (type, types.ModuleType)):
            queue += vars(item).values()
    return found


def _closure(function: types.FunctionType) -> list[Any]:
    try:
        variables = inspect.getclosurevars(function)
    except ValueError:  # a cell that is still empty
        return []
    own = [value for value in variables.globals.values() if not isinstance(value, (type, types.ModuleType))]
    return [*variables.nonlocals.values(), *own, *(function.__defaults__ or ()), getattr(function, "__wrapped__", None)]
