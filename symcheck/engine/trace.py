"""Traces: every tensor that a call of a model makes, with the module, the operation and the user's line that made it.

Torch's calls are seen by a `TorchFunctionMode`, which needs no change of the model; modules by hooks, so that what torch hides
(a scripted module, a custom operation) is seen at the module's output at least. Tensors made inside `torch.func` transforms
are left out: they have no values outside.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from symcheck._source import line_of
from symcheck._tree import Args, flatten
from symcheck.placement import module_names, tensors_of

UNSEEN = "(unseen)"  # the operation of a tensor that comes from outside of torch


@dataclass(frozen=True)
class Place:
    """Where a tensor was made: the module by name and kind, which of its calls, the operation, and the user's line."""

    module: str
    kind: str
    call: int
    operation: str
    file: str
    line: int


@dataclass(frozen=True)
class Made:
    """One tensor. `needs` are those it was computed from, by index. No value: it has none outside of its transform."""

    place: Place
    value: Tensor | None
    needs: tuple[int, ...]


@dataclass(frozen=True)
class Exit:
    """A module returned: its name, kind, which of its calls, and its output's tensors, by index."""

    module: str
    kind: str
    call: int
    made: tuple[int, ...]
    inside: int  # modules that were called within the call


@dataclass
class Trace:
    """One call of a model. The first `inputs` tensors are its inputs, `outputs` the indices of its outputs."""

    made: list[Made] = field(default_factory=list)
    exits: list[Exit] = field(default_factory=list)
    inputs: int = 0
    outputs: tuple[int, ...] = ()

    @property
    def signature(self) -> tuple[Any, ...]:
        """Equal for calls that took the same way through the model."""
        return (self.outputs, tuple((made.place, made.needs) for made in self.made))

    @property
    def bytes(self) -> int:
        return sum(made.value.numel() * made.value.element_size() for made in self.made if made.value is not None)


class Recorder:
    """A model that keeps a trace of each of its calls. What is the same in every call is kept once."""

    def __init__(self, model: Callable[..., Any]) -> None:
        self.model = model
        self.traces: list[Trace] = []
        self._names = module_names(model)
        self._own = {id(tensor): tensor for tensor in tensors_of(model)}  # held: a freed one leaves its identity to the next

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        first = self.traces[0] if self.traces else None
        watch = _Watch(self._names, self._own, first)
        leaves, _ = flatten(Args(*args, **kwargs))
        for leaf in leaves:
            watch.add(leaf, Place("", "", 0, "input", "", 0), ())
        watch.trace.inputs = len(leaves)
        with watch.watching():
            y = self.model(*args, **kwargs)
        outputs, _ = flatten(y)
        watch.trace.outputs = tuple(watch.index(leaf, Place("", "", 0, "output", "", 0)) for leaf in outputs)
        self.traces.append(watch.trace)
        return y


class _Watch(TorchFunctionMode):
    """One call under way. Tensors and modules are told apart by their identity, and kept alive so that it stays theirs."""

    def __init__(self, names: dict[int, str], own: dict[int, Tensor], first: Trace | None) -> None:
        super().__init__()
        self.trace, self.names, self.own, self.first = Trace(), names, own, first
        self.known: dict[int, int] = {}
        self.written: dict[int, int] = {}
        self.kept: list[Any] = []
        self.stack: list[tuple[str, str, int, int]] = [("", "", 0, 0)]
        self.counts: dict[int, int] = {}
        self.busy = False
        self.thread = get_ident()

    @contextmanager
    def watching(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.callback(register_module_forward_pre_hook(self._enter).remove)
            stack.callback(register_module_forward_hook(self._exit, always_call=True).remove)
            stack.enter_context(self)
            yield

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.busy:  # with a copy of its own
            return func(*args, **kwargs)
        reads = getattr(func, "__name__", "") == "__get__"  # a shape, a dtype, a part: it writes nothing
        given = _tensors(args, kwargs)
        before = [] if reads else [_version(tensor) for tensor in given]
        y = func(*args, **kwargs)
        made = _tensors(y)
        changed = [t for t, version in zip(given, before, strict=not reads) if _version(t) != version]
        if not made and not changed:
            return y
        place = self._place(_name(func))
        needs = tuple(dict.fromkeys(i for tensor in given if (i := self._found(tensor, place)) is not None))
        for tensor in {id(t): t for t in (*made, *changed)}.values():
            self.add(tensor, place, needs)  # what is handed on as it is too: a batch of one is contiguous, others may not be
        for tensor in changed:
            self.written[_storage(tensor)] = self.known[id(tensor)]
        return y

    def add(self, tensor: Tensor, place: Place, needs: tuple[int, ...]) -> int:
        index = len(self.trace.made)
        self.known[id(tensor)] = index
        self.kept.append(tensor)
        self.busy = True
        self.trace.made.append(Made(place, self._value(tensor, index), needs))
        self.busy = False
        return index

    def index(self, tensor: Tensor, place: Place) -> int:
        """The tensor's index; one that came by a way that isn't seen is added."""
        found = self._found(tensor, place)
        return self.add(tensor, place, ()) if found is None else found

    def _found(self, tensor: Tensor, place: Place) -> int | None:
        """Its index, or that of what was last written into its memory; None for a parameter or buffer."""
        written = self.written.get(_storage(tensor), -1)
        known = self.known.get(id(tensor))
        if known is None and written < 0:
            if id(tensor) in self.own or isinstance(tensor, nn.Parameter):
                return None
            here = Place(place.module, place.kind, place.call, UNSEEN, place.file, place.line)
            return self.add(tensor, here, ())
        if known is not None and written > known:  # written to through another view of it
            return self.add(tensor, self.trace.made[written].place, tuple(dict.fromkeys((known, written))))
        return known if known is not None else written

    def _value(self, tensor: Tensor, index: int) -> Tensor | None:
        if torch._C._functorch.is_functorch_wrapped_tensor(tensor) or tensor.layout is not torch.strided or tensor.is_meta:
            return None
        value = tensor.detach()
        other = self.first.made[index].value if self.first is not None and index < len(self.first.made) else None
        if other is not None and other.shape == value.shape and other.dtype == value.dtype and torch.equal(other, value):
            return other
        return value.clone()

    def _enter(self, module: nn.Module, args: Any) -> None:
        if get_ident() != self.thread:  # the hooks are every thread's
            return
        self.kept.append(module)  # one that the call makes for itself: the next would have its identity, and its count
        count = self.counts[id(module)] = self.counts.get(id(module), 0) + 1
        self.stack = [(*above[:3], above[3] + 1) for above in self.stack]
        name = self.names.get(id(module), "")
        self.stack.append((name, type(module).__name__, count, 0))

    def _exit(self, module: nn.Module, args: Any, y: Any) -> None:
        if get_ident() != self.thread:
            return
        name, kind, call, inside = self.stack[-1]
        if y is not None:
            leaves = _tensors(y)
            known = [self.known.get(id(leaf)) for leaf in leaves]
            if leaves and None in known:
                place = self._place("forward")
                needs = tuple(i for tensor in _tensors(args) if (i := self._found(tensor, place)) is not None)
                for leaf, there in zip(leaves, known, strict=True):
                    if there is None and _storage(leaf) not in self.written:
                        self.add(leaf, place, needs)
            made = tuple(
                i for leaf in leaves if (i := self._found(leaf, Place(name, kind, call, "forward", "", 0))) is not None
            )
            self.trace.exits.append(Exit(name, kind, call, made, inside))
        self.stack.pop()

    def _place(self, operation: str) -> Place:
        name, kind, call, _ = self.stack[-1]
        file, line = line_of(sys._getframe(2))
        return Place(name, kind, call, operation, file, line)


def _name(func: Any) -> str:
    """That of an operation; of an attribute, such as `z.real`, the attribute's."""
    name = str(getattr(func, "__name__", func))
    return str(getattr(func.__self__, "__name__", name)) if name == "__get__" else name


def _tensors(*trees: Any) -> list[Tensor]:
    """The tensors among arguments, in order. It runs at each of torch's calls, of which most arguments are plain."""
    found: list[Tensor] = []
    for tree in trees:
        if type(tree) in _PLAIN:
            continue
        if isinstance(tree, Tensor):
            found.append(tree)
        elif isinstance(tree, (tuple, list)):
            found += _tensors(*tree)
        elif isinstance(tree, dict):
            found += _tensors(*tree.values())
        elif hasattr(tree, "__dataclass_fields__"):
            found += _tensors(*vars(tree).values())
    return found


_PLAIN = frozenset({int, float, bool, str, type(None), torch.Size, torch.dtype, torch.device})


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def _storage(tensor: Tensor) -> int:
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError):  # a sparse tensor or a wrapped one has none
        return -id(tensor)


@contextmanager
def uncompiled() -> Iterator[None]:
    """Compiled functions run as they are written, those too that a model calls without holding them."""
    if "torch._dynamo" not in sys.modules:  # nothing is compiled, and to load it takes seconds
        yield
        return
    with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*when there are global hooks")  # torch's, of the hooks that watch modules
        yield


def eager(model: Callable[..., Any], held: Iterable[nn.Module]) -> tuple[str, str]:
    """Whether some of a model is compiled or scripted: ("compiled" or "scripted" or "", the name of the first such part)."""
    if hasattr(model, "_torchdynamo_orig_callable"):
        return "compiled", type(model).__name__
    for module in held:
        if isinstance(module, torch.jit.ScriptModule):
            return "scripted", type(module).__name__
        if hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None:
            return "compiled", type(module).__name__
    return ("scripted", "ScriptFunction") if isinstance(model, torch.jit.ScriptFunction) else ("", "")
