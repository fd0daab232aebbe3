"""The group interface: elements travel as a batch, one tensor `(n, *element)`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from torch import Generator, Tensor

from symcheck.errors import GroupError

if TYPE_CHECKING:
    from typing_extensions import Self


class Group(ABC):
    """A set with an associative product, an identity and inverses.

    Laws, each tested for every group that `examples` returns:

    - `compose(g, compose(h, k)) == compose(compose(g, h), k)`
    - `compose(g, identity(n)) == g == compose(identity(n), g)`
    - `compose(g, inverse(g)) == identity(n)`

    Elements are float64 or int64 tensors on the CPU, batch first. A group may be *unbound*, its sizes not yet known
    (`S_n`); `bind` gives the group for given sizes. How its elements move things is said by its parts (`linear`,
    `translation`, `permutation`, `shift`); a rep asks for the part it needs, and a group without it raises `GroupError`.
    """

    notation: ClassVar[tuple[str, ...]]  # how its names are written, for error messages: "SO(3)"

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Self | None:
        """The group that `text` names, or None if it names another."""

    @classmethod
    @abstractmethod
    def examples(cls) -> Sequence[Self]:
        """Bound groups on which the axioms are tested."""

    @property
    @abstractmethod
    def element(self) -> tuple[int, ...]:
        """The shape of one element."""

    @abstractmethod
    def identity(self, n: int) -> Tensor: ...

    @abstractmethod
    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        """First h, then g."""

    @abstractmethod
    def inverse(self, g: Tensor) -> Tensor: ...

    @abstractmethod
    def sample(self, n: int, rng: Generator) -> Tensor:
        """N independent elements: Haar or uniform where that exists, and every connected component reached."""

    @abstractmethod
    def landmarks(self) -> Tensor:
        """The elements that a person would try first: generators, quarter turns, one from each connected component."""

    @abstractmethod
    def describe(self, g: Tensor) -> str:
        """One element in words: "rotation by 90 deg about z", "(0 1)", "shift (+1, 0)"."""

    @abstractmethod
    def contains(self, g: Tensor) -> Tensor:
        """Which of `(n, *element)` are elements: `(n,)`, bool."""

    def bind(self, sizes: Mapping[str, int]) -> Group:
        """This group for known sizes. A group whose sizes are fixed returns itself, or raises if they disagree."""
        return self

    def linear(self, g: Tensor) -> Tensor:
        """The linear part, matrices `(n, d, d)` acting on column vectors."""
        raise self._lacks("linear part", "a matrix group, such as 'SO(3)'")

    def translation(self, g: Tensor) -> Tensor:
        """The translation part `(n, d)`: a point moves as `x -> linear(g) x + translation(g)`."""
        raise self._lacks("translations", "a group that moves points, such as 'E(3)'")

    def permutation(self, g: Tensor) -> Tensor:
        """The permutation part `(n, size)`, int64: item i goes to place `permutation(g)[i]`."""
        raise self._lacks("permutations", "a permutation group, such as 'S_n'")

    def shift(self, g: Tensor) -> Tensor:
        """The shift part `(n, axes)`, int64: the sample at place v goes to place `v + shift(g)`, cyclically."""
        raise self._lacks("cyclic shifts", "a group of grid translations, such as 'Z_N^2'")

    @property
    def grid(self) -> tuple[int, ...]:
        """The number of samples along each axis that `shift` shifts."""
        raise self._lacks("cyclic shifts", "a group of grid translations, such as 'Z_N^2'")

    def _lacks(self, part: str, other: str) -> GroupError:
        return GroupError(f"{self} has no {part}. Use {other}, or another rep.")
