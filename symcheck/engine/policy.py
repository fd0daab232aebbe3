"""All numbers that a verdict rests on, each with its reason. None of them is a tolerance on a model."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Policy:
    slack: float = 32.0
    """K: how far above its noise floor an error may stand and still be rounding. Models that are right show a worst error of
    0 to 3.4 floors; broken ones 1e5 and more. Five bits leave a factor of ten on the right side for the worst of many
    trials, and the printed detection limit includes them."""

    interpolation: float = 2.0
    """How much more than an element and its inverse an action that interpolates may change. Those two interpolate twice where
    one side of the equation does once, but each element blurs otherwise."""

    line_points: int = 7
    """Evaluations along a line for the noise. Moré & Wild (2011) find 6 to 8 enough: noise shows from the third difference."""

    lowest_order: int = 3
    """The lowest order of differences that counts as noise: below it a smooth function's own curvature shows."""

    lines: int = 8
    """Lines at each kind of point (inputs, and transformed inputs). The median over them drops the few that cross a kink."""

    coarsest: float = 1e-2
    """A check that can't see a violation of this part of the signal passes nothing: the model loses too many digits, or runs
    in too low a precision alone. One hundredth is what a plot would show."""

    jump: float = 1000.0
    """A line gives no floor if its noise is that many times the noise on one of its halves: it crosses a jump or a kink
    there. Noise of a single number does so on one line of six hundred, that of many numbers never."""

    near_spacing: float = 450.0
    """The close spacing of a line's points, in epsilons of the dtype: far enough apart that roundings are independent, near
    enough that a smooth function is straight. In float64 this is 1e-13 of the input's size."""

    wide_spacing: float = 7.0
    """The wide spacing, in square roots of epsilon: 1e-7 in float64, which sees a hidden cast to float32 (the close one
    reads 0 there, since all its points round to one)."""

    widest_spacing: float = 2.0**-5
    """No spacing is wider than this part of the input's size, whatever the dtype: bfloat16 would ask for 3.5 times it, over
    which no model is straight. It is still four epsilons of bfloat16."""

    jitter: float = 1e-3
    """How far from a structured input its noise is measured, as a part of its size: at the input itself a tie may be a jump."""

    continuous: float = 4.0
    """At a structured input, f may have a root (acos, a norm to the power 1/3) and round by far more than beside it. It does so
    if the change by a step of a few epsilons is that many times less than by a much larger step; where it jumps,
    both are alike. A tenth root still tells itself from a jump so."""

    bits: int = 4
    """How many bits of the signal must stand above the noise in the working precision; with fewer, what it computes is
    mostly rounding, and agreement of the two sides says nothing."""

    finer: int = 5
    """How many bits better than float32's epsilon the rounding in float64 is, of a model that computes in float64 throughout.
    One cast to float32 inside, averaged over what follows, shows a sixteenth of an epsilon or so; the root of float64 rounding
    (a distance by the cosine rule) a fiftieth."""

    line_entries: int = 64
    """Outputs of that many entries need no more than `few_lines`: each line then averages over as many samples of noise."""

    few_lines: int = 3
    """The fewest lines of which a median drops one that crosses a kink."""

    suspects: int = 4
    """At how many of the worst trials the noise is measured again on the spot, before an error there is called a violation:
    noise differs from input to input (a division by a small number, a nearly singular solve)."""

    suspect_rounds: int = 4
    """How often the next worst are looked at, while the noise on the spot explains all that were: where a group stretches its
    inputs (boosts, scalings), rounding grows with the element."""

    suspect_lines: int = 3
    """Lines through each of them, and through its transform: the fewest of which a median drops one that crosses a kink."""

    inputs: int = 16
    """M: independent inputs, on which the spread of the output is estimated. Each is tried with trials / M elements."""

    landmark_inputs: int = 4
    """On how many of the inputs the group's landmarks are tried, so that a violation can be told by a simple element."""

    structured_elements: int = 8
    """Elements tried on each structured input: the group's landmarks, then random ones."""

    factor_elements: int = 4
    """Elements of each factor of a product group tried alone on each input, so that a check says which factor is broken."""

    search_starts: int = 4
    """From how many of the worst trials the group is searched for worse ones."""

    search_candidates: int = 8
    """Elements tried around each of them in one round, in one batch."""

    search_steps: tuple[float, ...] = (0.5, 0.15, 0.05)
    """How far, in the Lie algebra (radians for rotations), each round steps. A break on a cap of a few percent of SO(3) is a
    radian wide; below a twentieth, an error that a step could still find would be no larger than the one in hand."""

    subgroup_inputs: int = 8
    """Inputs on which the subgroups of a violated claim are tried, to say what still holds."""

    subgroup_elements: int = 8
    """Elements of each subgroup tried on each of them: its landmarks, then random ones."""

    ladder_trials: int = 16
    """Random trials at each precision of the ladder: one on each input."""

    weight_scales: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0)
    """How far weights are perturbed, in their own size: zero-initialised and symmetric weights hide breaks, which show at one
    of these. Several, since a break may be small at the smallest and drowned by an ill-conditioned model at the largest."""

    weight_trials: int = 64
    """Generic trials at each perturbation, in float64 alone: a break that weights hid shows in most trials once they don't."""

    weight_lines: int = 4
    """Lines at each kind of point there: the fewest of which a median drops one that crosses a kink, and one more."""

    shrink_evaluations: int = 2048
    """Evaluations that making a counterexample simpler may take: about as many as the sweep and its noise, on inputs that get
    smaller."""

    shrink_candidates: int = 64
    """Simpler trials tried in one batch, the simplest first. A batch of small inputs costs hardly more than one of them."""

    shrink_layouts: int = 16
    """Layouts that Hypothesis draws in search of a small one that violates: most violations show at the first few."""

    shrink_inputs: int = 4
    """Inputs tried at each of those, on which the spread there is estimated: it decides what is a part in 1e7, not in 10."""

    shrink_elements: int = 4
    """Elements tried on each of them: the group's landmarks, then random ones."""

    locate_calls: int = 16_000
    """Calls into torch that locating a break may watch: at some 0.1 ms each, two seconds. Inputs are as many as that allows."""

    locate_most: int = 250_000
    """Calls beyond which nothing is located, which is said: half a minute. They are counted, and not timed, so that the same
    model gives the same record on a busy machine."""

    locate_inputs: int = 128
    """The most inputs that hidden tensors are compared on: half of them leave a fit of 32 features twice the rows it needs."""

    locate_least: int = 16
    """The fewest: models of thousands of calls take longer."""

    locate_memory: int = 256 * 2**20
    """Bytes that the tensors of those calls may take."""

    locate_lines: int = 3
    """Lines along which the noise of hidden tensors is measured: the fewest of which a median drops one that crosses a kink."""

    locate_actions: int = 24
    """Actions on the domain that are tried on one hidden tensor. A tensor of three axes of one size has 7."""

    locate_numbers: int = 2**15
    """Numbers of one hidden tensor that are compared: of a large one, on fewer inputs, since each tells of more."""

    locate_features: int = 128
    """Features that one linear map is fitted on: with more, inputs are too few."""

    locate_layers: int = 48
    """Layers that are told with their residual, those about the culprit if there are more."""

    largest_tensor: int = 16 * 2**20
    """Bytes that the largest intermediate tensor of one call may take on a CPU. Trials are cut into calls by it. An allocator
    maps tensors of more than 32 MiB anew each time: at half of that a graph network and a CNN take a fifth less time
    than at four times as much, and at a quarter of it what the engine does between calls begins to count."""

    largest_on_gpu: int = 64 * 2**20
    """The same on a GPU, whose memory is kept for use again, and on which a call of few numbers is all launching."""

    single: float = float(torch.finfo(torch.float32).eps)
    """The epsilon of float32: between rounding in float64 and this, a violation is LIMITED."""

    def spacings(self, eps: float) -> tuple[float, ...]:
        """The spacings of a line's points for a dtype of that epsilon, relative to the input's size."""
        near, wide = self.near_spacing * eps, self.wide_spacing * eps**0.5
        return tuple(dict.fromkeys(min(h, self.widest_spacing) for h in (near, wide)))

    def largest(self, device: torch.device) -> int:
        """Bytes that the largest intermediate tensor of one call may take on a device."""
        return self.largest_tensor if device.type == "cpu" else self.largest_on_gpu
