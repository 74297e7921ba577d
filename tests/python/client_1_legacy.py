"""The official Python SDK 1.x as a client of v0.3: python client_1_legacy.py URL JSONRPC|HTTP+JSON. Prints ok at the end."""

import asyncio
import sys

import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.types import a2a_pb2 as t


def request(message_id: str, *parts: t.Part) -> t.SendMessageRequest:
    return t.SendMessageRequest(message=t.Message(message_id=message_id, role=t.ROLE_USER, parts=[t.Part(text="hello"), *parts]))


async def events(stream):
    return [event async for event in stream]


async def main(url: str, binding: str) -> None:
    http = httpx.AsyncClient(timeout=30, trust_env=False)
    # Only a card without the fields of 1.0 makes it speak v0.3.
    card = await A2ACardResolver(http, url).get_agent_card(http_kwargs={"headers": {"A2A-Version": "0.3"}})
    configs = [
        ClientConfig(streaming=streaming, httpx_client=http, supported_protocol_bindings=[binding], use_client_preference=True)
        for streaming in (False, True)
    ]
    unary, streaming = [ClientFactory(config).create(card) for config in configs]

    (answer,) = await events(unary.send_message(request("tck-artifact-file-1")))
    part = answer.task.artifacts[0].parts[0]
    assert (part.raw, part.media_type, part.filename) == (b"tck", "text/plain", "output.txt"), answer
    content = bytes(range(256))
    (answer,) = await events(unary.send_message(request("tck-artifact-text-1", t.Part(raw=content, media_type="text/plain"))))
    assert answer.task.history[0].parts[1].raw == content, answer

    told = await events(streaming.send_message(request("tck-stream-artifact-file-1")))
    assert [event.artifact_update.artifact.parts[0].raw for event in told if event.HasField("artifact_update")] == [b"tck"], told
    assert told[-1].status_update.status.state == t.TASK_STATE_COMPLETED, told

    impatient = request("test-resubscribe-message-id-1")
    impatient.configuration.return_immediately = True
    (begun,) = await events(unary.send_message(impatient))
    assert begun.task.status.state in (t.TASK_STATE_SUBMITTED, t.TASK_STATE_WORKING), begun
    canceled = await unary.cancel_task(t.CancelTaskRequest(id=begun.task.id))
    assert canceled.status.state == t.TASK_STATE_CANCELED, canceled
    print("ok")


asyncio.run(main(*sys.argv[1:]))
