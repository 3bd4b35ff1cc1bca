"""The Open Inference Protocol, version 2, beside our own: KServe, Triton's clients and gateways
speak it (https://github.com/kserve/open-inference-protocol).

One input tensor ``lead`` of datatype BYTES and shape [n]: each element the JSON text of a lead, as
``POST /v1/scores`` takes it. Outputs are tensors of shape [n], in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from features.version import VERSION
from serving.api.endpoint import EndpointSpec
from serving.api.scores import Scoring
from serving.http.request import Request, Response, allowed_params, json_response
from serving.messages.scores import ScoreAnswer
from serving.parsing.slices import SlicedDecoder
from serving.predictor.query import QueryContext
from serving.problems import Problem, validation_problem
from serving.services import Services
from serving.settings import Settings
from serving.timestamps import Clock

PLATFORM = "leadscore"


INPUT = "lead"


class Tensor(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tensor of a request or an answer; ``data`` is flat, in row-major order."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = {}


class WantedOutput(msgspec.Struct, frozen=True):
    """An output that is asked for; all of them when none is named."""

    name: str
    parameters: dict[str, Any] = {}


class InferenceRequest(msgspec.Struct, frozen=True):
    """An inference request. ``parameters``: ``reasons`` (0 to 50) and ``record`` (false for a
    what-if)."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] = {}
    outputs: list[WantedOutput] = []


class InferenceAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """An inference response."""

    model_name: str
    model_version: str
    outputs: list[Tensor]
    id: str | None = None


class TensorAbout(msgspec.Struct, frozen=True):
    """What a tensor looks like; -1 stands for any length."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(msgspec.Struct, frozen=True):
    """What the model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorAbout]
    outputs: list[TensorAbout]


class ServerMetadata(msgspec.Struct, frozen=True):
    """What answers here."""

    name: str
    version: str
    extensions: list[str]


class Live(msgspec.Struct, frozen=True):
    """Whether the server is live."""

    live: bool


class Ready(msgspec.Struct, frozen=True):
    """Whether the server, or the model, is ready."""

    ready: bool
    name: str = PLATFORM


OUTPUTS: dict[str, tuple[str, Callable[[ScoreAnswer], Any]]] = {
    "probability": ("FP64", lambda answer: answer.probability),
    "low": ("FP64", lambda answer: answer.interval.low),
    "high": ("FP64", lambda answer: answer.interval.high),
    "band": ("BYTES", lambda answer: answer.band),
    "score_id": ("BYTES", lambda answer: answer.score_id),
    "answer": ("BYTES", lambda answer: msgspec.json.encode(answer).decode()),
}


PROBLEMS = (400, 401, 403, 404, 408, 413, 415, 422, 429, 503)


class _RawRequest(InferenceRequest, frozen=True):
    inputs: list[msgspec.Raw]  # type: ignore[assignment]


class _InputTensor(Tensor, frozen=True):
    data: list[str]


_request = SlicedDecoder(_RawRequest, {"inputs": msgspec.Raw}, most=16)


_tensor = SlicedDecoder(_InputTensor, {"data": str}, most=100_000)


def routes(services: Services) -> list[EndpointSpec]:
    """The routes of the protocol; those of a version exist for the one that answers."""
    does = _Inference(services)
    common: dict[str, Any] = {"tag": "open inference protocol"}
    scored = {**common, "scope": "score", "problems": PROBLEMS}
    found = [
        EndpointSpec(
            "GET", "/v2", "oip_server", "The server's metadata", "Open Inference Protocol v2.",
            does.server, ServerMetadata, **common,
        ),
        EndpointSpec(
            "GET", "/v2/health/live", "oip_live", "Is the server live?", "200 while it answers.",
            does.live, Live, **common,
        ),
        EndpointSpec(
            "GET", "/v2/health/ready", "oip_ready", "Are all models ready?",
            "200 once a verified release is loaded and warm.", does.ready, Ready,
            **common, problems=(503,),
        ),
    ]  # fmt: skip
    for path, suffix in (("", ""), ("/versions/{model_version}", "_version")):
        model = "/v2/models/{model_name}" + path
        found += [
            EndpointSpec(
                "GET", model, f"oip_model{suffix}", "The model's metadata",
                "`model_name` is leadscore or the release's own name.",
                does.metadata, ModelMetadata, **scored,
            ),
            EndpointSpec(
                "GET", f"{model}/ready", f"oip_model_ready{suffix}", "Is the model ready?",
                "200 for the version that answers, 404 for any other.",
                does.model_ready, Ready, **common, problems=(404, 503),
            ),
            EndpointSpec(
                "POST", f"{model}/infer", f"oip_infer{suffix}", "Score leads",
                "One BYTES tensor `lead` of JSON texts, each as POST /v1/scores takes it; one lead "
                "that cannot be scored fails the request and is named.",
                does.infer, InferenceAnswer, InferenceRequest, **scored,
            ),
        ]  # fmt: skip
    return found


class _Inference:
    def __init__(self, services: Services) -> None:
        self.services = services
        self.scoring = Scoring(services)

    async def server(self, request: Request) -> Response:
        """What answers here."""
        allowed_params(request.query)
        return json_response(ServerMetadata(PLATFORM, VERSION, []))

    async def live(self, _: Request) -> Response:
        """It answers, so it is live."""
        return json_response(Live(True))

    async def ready(self, _: Request) -> Response:
        """Ready once a release answers."""
        self.services.live.current()
        return json_response(Ready(True))

    async def model_ready(self, request: Request) -> Response:
        """Ready, if this model answers."""
        self._check_model(request)
        return json_response(Ready(True, request.path_params["model_name"]))

    async def metadata(self, request: Request) -> Response:
        """What the model takes and gives."""
        allowed_params(request.query)
        self._check_model(request)
        predictor = self.services.live.current()
        outputs = [TensorAbout(name, kind, [-1]) for name, (kind, _) in OUTPUTS.items()]
        inputs = [TensorAbout(INPUT, "BYTES", [-1])]
        return json_response(
            ModelMetadata(
                request.path_params["model_name"], [predictor.version], PLATFORM, inputs, outputs
            )
        )

    async def infer(self, request: Request) -> Response:
        """Score the leads of the tensor, all by one release and one reading of the clock."""
        allowed_params(request.query)
        self._check_model(request)
        settings = self.services.settings
        sent, leads = await self.scoring.apart_if_large(
            len(request.body), lambda: _read(request.body, settings)
        )
        reasons = sent.parameters.get("reasons", settings.reasons)
        record = sent.parameters.get("record", True)
        if type(reasons) is not int or not 0 <= reasons <= 50 or not isinstance(record, bool):
            raise validation_problem("$.parameters", "reasons is 0 to 50, record true or false")
        predictor = self.services.live.current()
        context = QueryContext(Clock.read(settings.clock_skew_s), request.language, reasons)
        answers: list[ScoreAnswer] = []
        for item in await self.scoring.items(leads, predictor, context, record):
            if item.score is None:
                detail = "" if item.error is None else item.error.detail
                raise validation_problem(f"$.inputs[0].data[{item.index}]", detail)
            answers.append(item.score)
        name = request.path_params["model_name"]
        return json_response(
            InferenceAnswer(name, predictor.version, _outputs_of(sent, answers), sent.id)
        )

    def _check_model(self, request: Request) -> None:
        predictor = self.services.live.current()
        known = request.path_params["model_name"] in (PLATFORM, predictor.release.name)
        version = request.path_params.get("model_version", predictor.version)
        if not known or version not in (predictor.version, predictor.release_id):
            raise Problem(404, "not-found", "No such model, or this version does not answer.")


def _read(body: bytes, settings: Settings) -> tuple[_RawRequest, list[bytes]]:
    """The request, and the JSON text of each of its leads."""
    sent = _request.decode(body, settings.max_depth)
    unknown = [output.name for output in sent.outputs if output.name not in OUTPUTS]
    if unknown:
        raise validation_problem("$.outputs", f"known outputs: {', '.join(OUTPUTS)}")
    if len(sent.inputs) != 1:
        raise validation_problem("$.inputs", f"expected one tensor, {INPUT}")
    tensor = _tensor.decode_unguarded(bytes(sent.inputs[0]))
    n, most = len(tensor.data), settings.max_batch
    if tensor.name != INPUT or tensor.datatype != "BYTES":
        raise validation_problem("$.inputs[0]", f"expected {INPUT}, BYTES: a JSON text for each")
    if tensor.shape not in ([n], [n, 1]) or not 1 <= n <= most:
        raise validation_problem("$.inputs[0].shape", f"expected [n], n from 1 to {most}, as data")
    return sent, [text.encode() for text in tensor.data]


def _outputs_of(sent: InferenceRequest, answers: Sequence[ScoreAnswer]) -> list[Tensor]:
    names = [output.name for output in sent.outputs] or list(OUTPUTS)
    return [
        Tensor(name, [len(answers)], OUTPUTS[name][0], [OUTPUTS[name][1](one) for one in answers])
        for name in names
    ]
