"""Evaluating a model on many trials: how trials are joined into calls, within a memory budget, with errors kept by trial."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import torch
from torch import Tensor

from symcheck._source import raised_at
from symcheck._tree import Args, Leaves, Structure, flatten, split
from symcheck.domains import Domain
from symcheck.engine.derivatives import differentiable, pullback, pushforward
from symcheck.engine.functional import named_parameters, with_parameters
from symcheck.errors import DomainError
from symcheck.placement import Placement, widened


class Batching(str, Enum):
    """How n trials `(n, *shape)` become calls of the model."""

    BATCH = "batch"  # one call: the trial axis is the model's batch axis
    UNION = "union"  # one call with the disjoint union of the inputs, as graphs have one
    VMAP = "vmap"  # one call of torch.vmap(model)
    ROWS = "rows"  # n calls with a batch of one
    LOOP = "loop"  # n calls without a batch axis


class ModelError(Exception):
    """The model raised, or returned what is no tree of tensors. Its text is the finding."""


@dataclass
class Forward:
    """f at one placement: leaves `(n, *shape)` in, leaves `(n, *shape)` out, in float64 where they are floating point.

    Trials that raise give NaN, and are kept in `crashes` by their place in the call. `shared` leaves are the same for all
    trials and are passed without a trial axis. `limit` bounds the trials of one call.
    """

    model: Callable[..., Any]
    structure: Structure
    placement: Placement
    batching: Batching
    shared: frozenset[int] = frozenset()
    union: Domain | None = None  # the domain that joins inputs by disjoint union, if one does
    grad: bool = False
    default_dtype: bool = False  # whether new tensors are made in the placement's dtype, as torch.set_default_dtype does
    limit: int = 1024
    watch: Callable[[Leaves, Leaves], None] | None = None  # called after each call with the inputs before and after it
    output: Structure | None = None
    shapes: list[torch.Size] | None = None
    eps: tuple[float, ...] = ()  # of each output leaf's own dtype: an output that is cast rounds to it
    crashes: dict[int, str] = field(default_factory=dict)
    recovered: list[str] = field(default_factory=list)  # calls that raised, of which each part then did well
    calls: int = 0
    evaluations: int = 0

    def __call__(self, x: Leaves) -> Leaves:
        n = len(x[0])
        self.evaluations += n
        self.crashes.clear()
        parts, done = [], 0
        while done < n:
            stop = min(done + self.limit, n)  # the limit may have been halved by the call before
            parts.append(self._chunk(x, done, stop))
            done = stop
        return [torch.cat(leaves) for leaves in zip(*parts, strict=True)] if len(parts) > 1 else parts[0]

    def jvp(self, x: Leaves, tangent: Leaves) -> Leaves:
        """The derivative of the outputs along a tangent of the inputs. Shared leaves have none."""
        return self._derived(pushforward(self._loose, self._moving(x)), [*x, *tangent], doubled=True)

    def vjp(self, x: Leaves, cotangent: Leaves) -> Leaves:
        """The gradient by the inputs of `sum(cotangent * f(x))`: right for each trial, since none depends on another."""
        return self._derived(pullback(self._loose, self._moving(x), len(x)), [*x, *cotangent], doubled=False)

    def reweighted(self, x: Leaves, names: Sequence[str], moved: Callable[[str, Tensor], Tensor]) -> Leaves:
        """The outputs with other values of some of a module's parameters in each trial."""
        own = named_parameters(self.model, names)
        values = [moved(name, widened(own[name].detach())) for name in names]
        batched = self.batching in (Batching.BATCH, Batching.ROWS)
        model = with_parameters(
            self.model, names, self.structure, [i not in self.shared for i in range(len(x))] if batched else ()
        )
        _, structure = flatten(Args(*x, *values))
        for batching in (Batching.VMAP, Batching.LOOP):
            try:
                return self._called(replace(self, model=model, structure=structure, batching=batching), [*x, *values])
            except ModelError:
                if batching is Batching.LOOP:
                    raise
        raise AssertionError("one of two ways returns or raises")

    def via(self, made: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[[Leaves], Leaves]:
        """The function of a model made from this one, called in the same way."""
        return lambda x: self._called(replace(self, model=made(self.model)), x)

    def _moving(self, x: Leaves) -> list[int]:
        return [i for i, leaf in enumerate(x) if differentiable(leaf) and i not in self.shared]

    def _loose(self, *leaves: Tensor) -> Leaves:
        """The model's outputs, still attached to what they were computed from."""
        return self._tensors(self._raw(list(leaves)))

    def _derived(self, model: Callable[..., Any], leaves: Leaves, *, doubled: bool) -> Leaves:
        """The values of a derivative, found in the same calls that serve the model itself."""
        _, structure = flatten(Args(*leaves))
        shared = {i + k for i in self.shared for k in ((0, len(leaves) // 2) if doubled else (0,))}
        return self._called(replace(self, model=model, structure=structure, shared=frozenset(shared), grad=False), leaves)

    def _called(self, other: Forward, leaves: Leaves) -> Leaves:
        """The values of another forward, with its calls and crashes counted as this one's."""
        other.crashes, other.output, other.shapes = self.crashes, None, None
        try:
            return other(leaves)
        finally:
            self.calls, self.evaluations = other.calls, other.evaluations

    def strict(self, x: Leaves) -> Leaves:
        """The same, but the first trial that raises raises here."""
        y = self(x)
        if self.crashes:
            raise ModelError(next(iter(self.crashes.values())))
        return y

    def _chunk(self, x: Leaves, start: int, stop: int) -> Leaves:
        raised, known = "", len(self.crashes)
        try:
            return self._run([leaf[start:stop] for leaf in x])
        except ModelError as error:
            if stop - start == 1 or _out_of_memory(error.__cause__):
                if stop - start == 1:
                    return self._crash(start, error)
                self.limit = max(1, (stop - start) // 2)  # and stay there: the next call would run out again
                middle = start + self.limit
            else:
                raised, middle = str(error), (start + stop) // 2  # find the trials that raise, by halves
        halves = self._chunk(x, start, middle), self._chunk(x, middle, stop)
        if raised and len(self.crashes) == known:
            self.recovered.append(f"{stop - start} inputs in {self.placement.precision} ({raised})")
        return [torch.cat(leaves) for leaves in zip(*halves, strict=True)]

    def _crash(self, trial: int, error: ModelError) -> Leaves:
        if self.shapes is None:  # not even the first input worked: nothing to fill in
            raise error
        self.crashes[trial] = str(error)
        nan = torch.full((), float("nan"), dtype=torch.float64, device=self.placement.device)
        return [nan.expand(1, *shape) for shape in self.shapes]

    def _run(self, x: Leaves) -> Leaves:
        n = len(x[0])
        put = [self.placement.copied(leaf) for leaf in x]  # the model may write into its input
        if self.batching is Batching.BATCH:
            y = self._call([leaf[0] if i in self.shared else leaf for i, leaf in enumerate(put)])
            y = [self._with_trials(leaf, n) for leaf in y]
        elif self.batching is Batching.UNION:
            y = self._united(put, n)
        elif self.batching is Batching.VMAP:
            y = self._vmap(put)
        else:
            y = [torch.stack(leaves) for leaves in zip(*self._one_by_one(put, n), strict=True)]
        if self.watch is not None:
            self.watch(x, put)
        self._keep_shapes([leaf.shape[1:] for leaf in y])
        return y

    def _united(self, x: Leaves, n: int) -> Leaves:
        assert self.union is not None
        y = self._call(flatten(self.union.collate(self.structure.rebuild(x)))[0])
        try:
            return list(self.union.split(y, n))
        except DomainError as error:
            raise ModelError(str(error)) from error

    def _one_by_one(self, x: Leaves, n: int) -> Iterator[Leaves]:
        rows = self.batching is Batching.ROWS
        for i in range(n):
            y = self._call([leaf[i : i + 1] if rows and k not in self.shared else leaf[i] for k, leaf in enumerate(x)])
            if rows:
                y = [self._with_trials(leaf, 1)[0] for leaf in y]
            self._keep_shapes([leaf.shape for leaf in y])
            yield y

    def _keep_shapes(self, shapes: list[torch.Size]) -> None:
        if self.shapes is not None and shapes != self.shapes:
            raise ModelError(f"the output's shapes changed from {_shapes(self.shapes)} to {_shapes(shapes)}")
        self.shapes = shapes

    def _vmap(self, x: Leaves) -> Leaves:
        def one(*leaves: Tensor) -> tuple[Tensor, ...]:
            return tuple(leaf.detach() for leaf in self._tensors(self._raw(list(leaves))))

        dims = tuple(None if i in self.shared else 0 for i in range(len(x)))
        given = [leaf[0] if i in self.shared else leaf for i, leaf in enumerate(x)]
        self.calls += 1
        with self._guarded(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="There is a performance drop")  # torch's, on its own fall-back
            y = [widened(leaf) for leaf in torch.vmap(one, in_dims=dims, randomness="different")(*given)]
        n = len(x[0])
        short = next((leaf for leaf in y if leaf.ndim == 0 or len(leaf) != n), None)
        if short is not None:  # torch doesn't notice that a tensor which the model kept is of another call
            raise ModelError(
                f"a call on {n} input{'s' * (n != 1)} gave an output of shape {tuple(short.shape)}: the model keeps tensors "
                f"of an earlier call, of other inputs. Compute them anew in each call"
            )
        return y

    def _call(self, x: Leaves) -> Leaves:
        self.calls += 1
        with self._guarded():
            return [widened(leaf.detach()) for leaf in self._tensors(self._raw(x))]

    def _raw(self, x: Leaves) -> Any:
        arguments = self.structure.rebuild(x)
        return self.model(*arguments.args, **arguments.kwargs)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        default = torch.get_default_dtype()
        try:
            if self.default_dtype:
                torch.set_default_dtype(self.placement.dtype)
            with torch.set_grad_enabled(self.grad):
                yield
        except ModelError:
            raise
        except (Exception, SystemExit) as error:
            text = _ADDRESS.sub("0x...", (str(error).strip().splitlines() or ["(no message)"])[0])
            at = raised_at(error)
            text = (text if len(text) <= 300 else text[:297] + "...") + (f" (at {at})" if at else "")
            raise ModelError(f"{type(error).__name__}: {text}") from error
        finally:
            torch.set_default_dtype(default)

    def _tensors(self, tree: Any) -> Leaves:
        """The output's leaves, with numbers as tensors. Its structure must be the same at every call."""
        leaves, structure = flatten(_numbers_as_tensors(tree, self.placement.device))
        strange = [value for value in structure.constants() if value is not None]
        if strange or not leaves:
            raise ModelError(
                f"the model returned {_brief(strange[0] if strange else tree)}; expected tensors, in any nesting of tuples, "
                f"lists, dicts and dataclasses. Wrap the model in a function that returns its tensors alone"
            )
        for name, leaf in zip(structure.names(), leaves, strict=True):
            if leaf.layout is not torch.strided or leaf.is_nested:
                kind = "is nested" if leaf.is_nested else f"has layout {leaf.layout}"
                dense = "y.to_padded_tensor(0.0)" if leaf.is_nested else "y.to_dense()"
                raise ModelError(f"output{' ' + name if name else ''} {kind}. Return dense tensors: {dense}")
            if leaf.device.type != self.placement.device.type:
                raise ModelError(
                    f"output{' ' + name if name else ''} is on device '{leaf.device}', its inputs on "
                    f"'{self.placement.device}'. Keep the output on the device of the input"
                )
        if self.output is not None and structure != self.output:
            raise ModelError(f"the output's structure changed from {self.output} to {structure}")
        self.output = structure
        self.eps = tuple(torch.finfo(leaf.dtype).eps if leaf.is_floating_point() else 0.0 for leaf in leaves)
        return leaves

    @staticmethod
    def _with_trials(leaf: Tensor, n: int) -> Tensor:
        if leaf.ndim == 0 or len(leaf) != n:
            raise ModelError(f"a batch of {n} gave an output of shape {tuple(leaf.shape)}, without the batch's axis")
        return leaf


_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")  # of an object: another in every run


def _numbers_as_tensors(tree: Any, device: torch.device) -> Any:
    if isinstance(tree, (bool, int, float, complex)):
        dtype = torch.complex128 if isinstance(tree, complex) else torch.float64
        return torch.tensor(tree, dtype=dtype, device=device)
    _, structure = flatten(tree)
    if not any(isinstance(value, (int, float, complex)) for value in structure.constants()):
        return tree
    node = split(tree)
    assert node is not None
    children, make = node
    return make([_numbers_as_tensors(child, device) for _, child in children])


def _out_of_memory(error: BaseException | None) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def _shapes(shapes: list[torch.Size]) -> str:
    return ", ".join(str(tuple(shape)) for shape in shapes)


def _brief(value: Any) -> str:
    text = _ADDRESS.sub("0x...", repr(value))
    kind = "" if value is None else f" (a {type(value).__name__})"
    return (text if len(text) <= 40 else text[:37] + "...") + kind
