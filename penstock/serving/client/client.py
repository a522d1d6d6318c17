"""The clients: they hold the talks of a protocol over a connection, and try again."""

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from penstock.core.errors import (
    INVALID_ARGUMENT,
    DeadlineExceededError,
    InvalidArgumentError,
    OpError,
    PermissionDeniedError,
    UnimplementedError,
)
from penstock.serving.client.exchange import (
    Array,
    Classes,
    Examples,
    HttpReply,
    HttpRequest,
    Inputs,
    ModelRef,
    Signature,
    Speech,
    Step,
    T,
    Talk,
)
from penstock.serving.client.failures import failure_of, retry_after_s
from penstock.serving.client.http_connection import AsyncPool, HttpAddress, WaitingPool
from penstock.serving.client.rest import RestSpeech
from penstock.serving.client.retries import Retries, RetryPolicy
from penstock.serving.client.tls import Tls
from penstock.serving.client.v2 import DEFAULT_SIGNATURE, V2Speech

_SIGNATURES_KEPT_S: Final = 60.0
_SCHEMES: Final = {"http": "rest", "https": "rest", "grpc": "grpc", "grpcs": "grpc"}
_PORTS: Final = {"http": 80, "https": 443, "grpc": 8500, "grpcs": 8500}
PROTOCOLS: Final = ("rest", "grpc", "v2", "v2_grpc")


class _Base:
    """What both clients share: where the server is, and what was learnt about its models."""

    def __init__(
        self,
        url: str,
        *,
        protocol: str | None = None,
        timeout_s: float = 30.0,
        retries: RetryPolicy | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        tls: Tls | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise InvalidArgumentError(
                f"url must be like http://host:8501 or grpc://host:8500, got '{url}'"
            )
        protocol = protocol or _SCHEMES[parts.scheme]
        if protocol not in PROTOCOLS:
            raise InvalidArgumentError(
                f"protocol must be one of {', '.join(PROTOCOLS)}, got '{protocol}'"
            )
        if timeout_s <= 0:
            raise InvalidArgumentError(f"timeout_s must be more than 0, got {timeout_s:g}")
        is_secure = parts.scheme in ("https", "grpcs")
        if is_secure and tls is None:
            tls = Tls()
        if tls is not None and not is_secure:
            raise InvalidArgumentError(f"with tls the url must be https or grpcs, got '{url}'")
        self.protocol = protocol
        self._is_grpc = protocol in ("grpc", "v2_grpc")
        self._timeout_s = timeout_s
        self._retries = Retries(retries or RetryPolicy())
        self._headers = tuple((k.lower(), v) for k, v in (headers or {}).items())
        if token is not None:
            self._headers += (("authorization", f"Bearer {token}"),)
        self._tls = tls
        self._address = HttpAddress(
            parts.hostname,
            parts.port or _PORTS[parts.scheme],
            None if tls is None or self._is_grpc else tls.context(),
            parts.path.rstrip("/"),
        )
        self._speech = _Remembering(_speech(protocol))

    def _predict(
        self, model: ModelRef, inputs: Any, signature: str, wanted: Sequence[str]
    ) -> Talk[Any]:
        """Ask, with names for a bare array, and take the name off again."""
        if isinstance(inputs, Mapping):
            return (yield from self._speech.predict(model, inputs, signature, wanted))
        declared = yield from self._speech.signature(model, signature)
        if len(declared.inputs) != 1:
            raise InvalidArgumentError(
                f"inputs must be given by name, as {sorted(declared.inputs)}: the signature "
                f"'{signature}' of '{model.name}' does not have just one"
            )
        named = {next(iter(declared.inputs)): inputs}
        outputs = yield from self._speech.predict(model, named, signature, wanted)
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def _pause_s(
        self, error: OpError, attempt: int, asked_s: float | None, deadline: float
    ) -> float:
        pause = self._retries.pause_s(error, attempt, asked_s, deadline - time.monotonic())
        if pause is None:
            raise error
        return pause

    def _deadline(self, timeout_s: float | None) -> float:
        limit = self._timeout_s if timeout_s is None else timeout_s
        if limit <= 0:
            raise DeadlineExceededError(f"timeout_s must be more than 0, got {limit:g}")
        return time.monotonic() + limit

    def _checked(self, reply: Any) -> tuple[Any, OpError | None, float | None]:
        """Return the answer, the error that it tells of, and the pause that it asks for."""
        if isinstance(reply, HttpReply):
            return reply, failure_of(reply), retry_after_s(reply)
        return reply, None, None

    def _all_headers(self, more: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
        if not more:
            return self._headers
        own = {name.lower(): value for name, value in more.items()}
        return (*((k, v) for k, v in self._headers if k not in own), *own.items())


class Client(_Base):
    """A client that waits for its answers. Threads may share one.

    Args:
        url: `http://host:8501` or `grpc://host:8500`; `https` and `grpcs` for TLS.
        protocol: "rest", "grpc", "v2" or "v2_grpc"; from the url if left out.
        timeout_s: time for an answer, attempts again included.
        retries: when to try again.
        headers: sent with every request, as metadata over gRPC.
        token: sent as `Authorization: Bearer`.
        tls: files of certificates.

    Example:
        >>> with Client("http://127.0.0.1:8501") as client:  # doctest: +SKIP
        ...     scores = client.predict("digits", images)
    """

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self._lock = threading.Lock()
        self._pool = WaitingPool(self._address)
        self._channel: Any = None

    def predict(
        self,
        model: str,
        inputs: Inputs | Any,
        *,
        signature_name: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
        outputs: Sequence[str] = (),
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Compute the outputs of a signature.

        Args:
            inputs: arrays by name, or one array for a signature with one input.
            version: of the model; the latest if left out.
            label: of the version, in place of its number.
            outputs: names of those that are wanted; all if left out.

        Returns:
            Arrays by name; for one array with one output, that array.

        Raises:
            OpError: what the server says, or that it cannot be reached in time.
        """
        ref = _ref(model, version, label)
        talk = self._predict(ref, inputs, signature_name, outputs)
        return self._hold(talk, timeout_s, headers)

    def classify(
        self,
        model: str,
        examples: Examples,
        *,
        signature_name: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Classes:
        """Return (label, score) pairs for each example, a mapping of features."""
        ref = _ref(model, version, label)
        talk = self._speech.classify(ref, examples, signature_name)
        return self._hold(talk, timeout_s, headers)

    def regress(
        self,
        model: str,
        examples: Examples,
        *,
        signature_name: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Array:
        """Return a value for each example, a mapping of features."""
        ref = _ref(model, version, label)
        talk = self._speech.regress(ref, examples, signature_name)
        return self._hold(talk, timeout_s, headers)

    def metadata(
        self, model: str, version: int | None = None, label: str | None = None
    ) -> dict[str, Any]:
        """Return what the server tells of a model."""
        return self._hold(self._speech.metadata(_ref(model, version, label)))

    def versions(self, model: str) -> dict[int, str]:
        """Return the state of each version of a model, such as "AVAILABLE"."""
        return self._hold(self._speech.versions(_ref(model, None, None)))

    def is_ready(self, model: str | None = None, timeout_s: float | None = None) -> bool:
        """Whether the server, or a model, can answer; no is also what nobody answers."""
        ref = None if model is None else _ref(model, None, None)
        try:
            return self._hold(self._speech.is_ready(ref), timeout_s, tries_again=False)
        except OpError:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _hold(
        self,
        talk: Talk[T],
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        tries_again: bool = True,
    ) -> T:
        deadline = self._deadline(timeout_s)
        fixed = self._all_headers(headers)
        try:
            step = next(talk)
            while True:
                try:
                    answer = self._ask(step, fixed, deadline, tries_again=tries_again)
                except OpError as error:
                    step = talk.throw(error)
                else:
                    step = talk.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _ask(
        self,
        step: Step,
        headers: tuple[tuple[str, str], ...],
        deadline: float,
        *,
        tries_again: bool,
    ) -> Any:
        self._retries.note_request()
        attempt = 0
        while True:
            attempt += 1
            asked_s = None
            try:
                reply, error, asked_s = self._checked(self._send(step, headers, deadline))
                if error is None:
                    return reply
            except OpError as caught:
                error = caught
            if not tries_again:
                raise error
            time.sleep(self._pause_s(error, attempt, asked_s, deadline))

    def _send(self, step: Step, headers: tuple[tuple[str, str], ...], deadline: float) -> Any:
        if isinstance(step, HttpRequest):
            return self._pool.send(self._address.encode(step, headers), deadline)
        return self._grpc_channel().send(step, headers, deadline)

    def _grpc_channel(self) -> Any:
        with self._lock:
            if self._channel is None:
                from penstock.serving.client.grpc_connection import (  # noqa: PLC0415
                    WaitingChannel,  # gRPC is an extra
                )

                self._channel = WaitingChannel(self._address.name, self._tls)
            return self._channel


class AsyncClient(_Base):
    """The client for one event loop. Its methods and arguments are those of `Client`.

    Example:
        >>> async with AsyncClient("grpc://127.0.0.1:8500") as client:  # doctest: +SKIP
        ...     scores = await client.predict("digits", images)
    """

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self._pool = AsyncPool(self._address)
        self._channel: Any = None

    async def predict(
        self,
        model: str,
        inputs: Inputs | Any,
        *,
        signature_name: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
        outputs: Sequence[str] = (),
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Compute the outputs of a signature, as `Client.predict` does."""
        ref = _ref(model, version, label)
        talk = self._predict(ref, inputs, signature_name, outputs)
        return await self._hold(talk, timeout_s, headers)

    async def prepare(
        self,
        model: str,
        inputs: Inputs,
        *,
        signature_name: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
    ) -> "Prepared":
        """Encode a request once, to send it often: for measuring servers, not clients."""
        ref = _ref(model, version, label)
        await self._hold(self._speech.signature(ref, signature_name))
        step = next(self._speech.predict(ref, inputs, signature_name, ()))
        if isinstance(step, HttpRequest):
            return Prepared(self._pool, self._address.encode(step, self._headers), ())
        return Prepared(self._grpc_channel(), step, self._headers)

    async def signature(self, model: str, signature_name: str = DEFAULT_SIGNATURE) -> Signature:
        """Return the names, dtypes and shapes of a signature, as far as the server tells."""
        return await self._hold(self._speech.signature(_ref(model, None, None), signature_name))

    async def classify(
        self,
        model: str,
        examples: Examples,
        *,
        signature_name: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Classes:
        """Return (label, score) pairs for each example, a mapping of features."""
        ref = _ref(model, version, label)
        talk = self._speech.classify(ref, examples, signature_name)
        return await self._hold(talk, timeout_s, headers)

    async def regress(
        self,
        model: str,
        examples: Examples,
        *,
        signature_name: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Array:
        """Return a value for each example, a mapping of features."""
        ref = _ref(model, version, label)
        talk = self._speech.regress(ref, examples, signature_name)
        return await self._hold(talk, timeout_s, headers)

    async def metadata(
        self, model: str, version: int | None = None, label: str | None = None
    ) -> dict[str, Any]:
        """Return what the server tells of a model."""
        return await self._hold(self._speech.metadata(_ref(model, version, label)))

    async def versions(self, model: str) -> dict[int, str]:
        """Return the state of each version of a model, such as "AVAILABLE"."""
        return await self._hold(self._speech.versions(_ref(model, None, None)))

    async def is_ready(self, model: str | None = None, timeout_s: float | None = None) -> bool:
        """Whether the server, or a model, can answer; no is also what nobody answers."""
        ref = None if model is None else _ref(model, None, None)
        try:
            talk = self._speech.is_ready(ref)
            return await self._hold(talk, timeout_s, tries_again=False)
        except OpError:
            return False

    async def close(self) -> None:
        """Close the connections."""
        self._pool.close()
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _hold(
        self,
        talk: Talk[T],
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        tries_again: bool = True,
    ) -> T:
        deadline = self._deadline(timeout_s)
        fixed = self._all_headers(headers)
        try:
            step = next(talk)
            while True:
                try:
                    answer = await self._ask(step, fixed, deadline, tries_again=tries_again)
                except OpError as error:
                    step = talk.throw(error)
                else:
                    step = talk.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _ask(
        self,
        step: Step,
        headers: tuple[tuple[str, str], ...],
        deadline: float,
        *,
        tries_again: bool,
    ) -> Any:
        self._retries.note_request()
        attempt = 0
        while True:
            attempt += 1
            asked_s = None
            try:
                reply, error, asked_s = self._checked(await self._send(step, headers, deadline))
                if error is None:
                    return reply
            except OpError as caught:
                error = caught
            if not tries_again:
                raise error
            await asyncio.sleep(self._pause_s(error, attempt, asked_s, deadline))

    async def _send(
        self, step: Step, headers: tuple[tuple[str, str], ...], deadline: float
    ) -> Any:
        if isinstance(step, HttpRequest):
            return await self._pool.send(self._address.encode(step, headers), deadline)
        return await self._grpc_channel().send(step, headers, deadline)

    def _grpc_channel(self) -> Any:
        if self._channel is None:
            from penstock.serving.client.grpc_connection import (  # noqa: PLC0415
                AsyncChannel,  # gRPC is an extra
            )

            self._channel = AsyncChannel(self._address.name, self._tls)
        return self._channel


class Prepared:
    """A request that is encoded already; it is sent once each time, and not again."""

    def __init__(
        self, connection: Any, request: Any, headers: tuple[tuple[str, str], ...]
    ) -> None:
        self._connection = connection
        self._request = request
        self._headers = headers

    async def send(self, timeout_s: float) -> None:
        """Send it and wait for the answer.

        Raises:
            OpError: the server says no, or cannot be reached in time.
        """
        deadline = time.monotonic() + timeout_s
        if isinstance(self._request, bytes):
            error = failure_of(await self._connection.send(self._request, deadline))
            if error is not None:
                raise error
        else:
            await self._connection.send(self._request, self._headers, deadline)


class _Remembering:
    """A protocol's talks, with the signatures of models kept for a while."""

    def __init__(self, speech: Speech) -> None:
        self._inner = speech
        self._known: dict[tuple[ModelRef, str], tuple[float, Signature]] = {}
        self._ask_signature = speech.signature
        # The protocol asks itself for signatures, and finds what was remembered.
        speech.signature = self.signature  # type: ignore[method-assign]
        self.classify = speech.classify
        self.regress = speech.regress
        self.metadata = speech.metadata
        self.versions = speech.versions
        self.is_ready = speech.is_ready

    def predict(
        self, model: ModelRef, inputs: Inputs, signature: str, wanted: Sequence[str]
    ) -> Talk[dict[str, Array]]:
        """Ask for the outputs of a signature."""
        try:
            return (yield from self._inner.predict(model, inputs, signature, wanted))
        except OpError as error:
            if error.error_code == INVALID_ARGUMENT:
                # The model may have changed since its signature was read.
                self._known.pop((model, signature), None)
            raise

    def signature(self, model: ModelRef, name: str) -> Talk[Signature]:
        """Tell names and dtypes of a signature, asking the server now and then."""
        found = self._known.get((model, name))
        now = time.monotonic()
        if found is not None and now < found[0]:
            return found[1]
        try:
            signature = yield from self._ask_signature(model, name)
        except (PermissionDeniedError, UnimplementedError):
            # Who may predict need not be allowed to look; then values are sent as they are.
            signature = Signature({}, {})
        self._known[model, name] = (now + _SIGNATURES_KEPT_S, signature)
        return signature


def _speech(protocol: str) -> Any:
    if protocol == "rest":
        return RestSpeech()
    if protocol == "v2":
        return V2Speech()
    # Messages take a tenth of a second to import, which only those pay who send them.
    from penstock.serving.client.grpc_speech import GrpcSpeech, V2GrpcSpeech  # noqa: PLC0415

    return GrpcSpeech() if protocol == "grpc" else V2GrpcSpeech()


def _ref(model: str, version: int | None, label: str | None) -> ModelRef:
    if not model:
        raise InvalidArgumentError("the name of a model must not be empty")
    if version is not None and label is not None:
        raise InvalidArgumentError(
            f"a version and a label exclude each other, got {version} and '{label}'"
        )
    return ModelRef(model, version, label)
