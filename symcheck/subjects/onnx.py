"""Targets that are ONNX models, `.onnx`, run by onnxruntime on the CPU. They are data: reading one runs no code of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symcheck.errors import SubjectError

WHAT = "an ONNX model"
_DTYPES = {
    "tensor(double)": torch.float64,
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(int64)": torch.int64,
    "tensor(int32)": torch.int32,
    "tensor(bool)": torch.bool,
}


def load(path: str) -> OnnxModel:
    """The model as a callable on tensors. Raises SubjectError without onnxruntime, which the extra `onnx` brings."""
    try:
        import onnxruntime
    except ImportError:
        raise SubjectError(
            f"{path!r} is run by onnxruntime, which isn't installed. Install it: pip install onnxruntime"
        ) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its errors are raised: no need to log them too
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return OnnxModel(onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]))
    except Exception as error:
        if type(error).__name__ != "NotImplemented":  # onnxruntime's own
            raise
        what = str(error).strip().rpartition(" : ")[2].rstrip(".")
        raise SubjectError(
            f"{path!r} computes what onnxruntime can't on the CPU, in the precision of the file: {what}. Export it in float32."
        ) from None


class OnnxModel:
    """A session as a function: its inputs in order `(n, *shape)`, one output or a tuple, on the device of the first input.

    It computes in the precision that it was exported in, and raises TypeError on any other: a cast would feign float64.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._wanted = {node.name: _DTYPES.get(node.type) for node in session.get_inputs()}
        own = [dtype for dtype in self._wanted.values() if dtype is not None and dtype.is_floating_point]
        self.precision = torch.empty(0, dtype=own[0] if own else torch.float32)  # says so: the weights are out of reach

    def __call__(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        if len(inputs) != len(self._wanted):
            raise TypeError(f"the model takes {len(self._wanted)} inputs ({', '.join(self._wanted)}), not {len(inputs)}")
        for (name, dtype), x in zip(self._wanted.items(), inputs, strict=True):
            if x.dtype != dtype:
                raise TypeError(f"input {name!r} of the ONNX model is {_name(dtype)}, not {_name(x.dtype)}")
        arrays = {name: x.detach().cpu().numpy() for name, x in zip(self._wanted, inputs, strict=True)}
        outputs = tuple(torch.from_numpy(array).to(inputs[0].device) for array in self._session.run(None, arrays))
        return outputs[0] if len(outputs) == 1 else outputs


def _name(dtype: torch.dtype | None) -> str:
    return "of no known type" if dtype is None else str(dtype).removeprefix("torch.")
