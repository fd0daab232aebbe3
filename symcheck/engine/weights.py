"""Perturbed weights: a claim about an architecture must hold for every weight, and initial ones hide breaks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Generator, nn

from symcheck._tree import Leaves
from symcheck.engine.forward import Forward
from symcheck.placement import modules_of


def fingerprint(model: Callable[..., Any]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a model's parameters and buffers, in order; "" if it has none."""
    digest, found = hashlib.sha256(), False
    for module in modules_of(model):
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            lazy = isinstance(tensor, nn.parameter.UninitializedParameter | nn.parameter.UninitializedBuffer)
            # a lazy or a meta tensor is refused later, in words
            if not lazy and not tensor.is_meta and tensor.layout is torch.strided and not tensor.is_quantized:
                digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
                plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
                digest.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
                found = True
    return digest.hexdigest()[:16] if found else ""


def perturb(model: Callable[..., Any], scale: float, rng: Generator) -> None:
    """Add noise of `scale` times its natural size to every parameter that is trained. For use inside `placed`, which undoes it.

    The natural size is the RMS of the parameter's entries, but no less than 1 / sqrt(inputs of one output), the usual size of
    what starts at zero or close to it. Frozen parameters (kernels, metrics) stay.
    """
    seen: set[int] = set()
    with torch.no_grad():
        for module in modules_of(model):
            for parameter in module.parameters(recurse=False):
                if id(parameter) in seen or not (parameter.requires_grad and parameter.is_floating_point()):
                    continue
                seen.add(id(parameter))
                fan_in = parameter[0].numel() if parameter.ndim > 1 else parameter.numel()
                natural = parameter.double().square().mean().sqrt().clamp_min(fan_in**-0.5)
                noise = torch.randn(parameter.shape, generator=rng, dtype=torch.float64).to(parameter.device)
                parameter.add_((scale * natural * noise).to(parameter.dtype))


def calibrate(f: Forward, x: Leaves) -> None:
    """Give batch norms the statistics of their inputs under the present weights, as training would have."""
    norms = [module for module in modules_of(f.model) if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    norms = [module for module in norms if module.track_running_stats and not module.training]
    if not norms:
        return
    for module in norms:
        module.reset_running_stats()
        module.momentum = None  # a plain average over calls
        module.train()
    f(x)
    for module in norms:
        module.eval()


def can_perturb(model: Callable[..., Any], others: Iterable[Callable[..., Any]]) -> bool:
    """Whether a model has parameters, and other models that it is compared with have none but these: theirs would stay."""
    own = _parameters(model)
    return bool(own) and all(_parameters(other) <= own for other in others)


def _parameters(model: Callable[..., Any]) -> set[nn.Parameter]:
    return {parameter for module in modules_of(model) for parameter in module.parameters(recurse=False)}
