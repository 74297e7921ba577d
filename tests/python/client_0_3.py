"""The official Python SDK 0.3 as a client: python client_0_3.py URL JSONRPC|HTTP+JSON. Prints ok at the end."""

import asyncio
import sys
from base64 import b64encode

import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.types import FilePart, FileWithBytes, Message, Part, Role, TaskIdParams, TaskPushNotificationConfig, PushNotificationConfig, TaskQueryParams, TaskState, TextPart
from a2a.types import GetTaskPushNotificationConfigParams


def message(message_id: str, task_id: str | None = None) -> Message:
    return Message(message_id=message_id, role=Role.user, parts=[Part(root=TextPart(text="hello"))], task_id=task_id)


async def events(stream):
    return [event async for event in stream]


async def main(url: str, binding: str) -> None:
    http = httpx.AsyncClient(timeout=30, trust_env=False)
    card = await A2ACardResolver(http, url).get_agent_card()
    configs = [
        ClientConfig(streaming=streaming, httpx_client=http, supported_transports=[binding], use_client_preference=True)
        for streaming in (False, True)
    ]
    unary, streaming = [ClientFactory(config).create(card) for config in configs]

    ((task, _),) = await events(unary.send_message(message("tck-artifact-text-1")))
    assert task.status.state == TaskState.completed, task
    assert task.artifacts[0].parts[0].root.text == "Generated text content", task
    read = await unary.get_task(TaskQueryParams(id=task.id))
    assert read.id == task.id and read.history[0].message_id == "tck-artifact-text-1", read

    ((task, _),) = await events(unary.send_message(message("tck-artifact-file-1")))
    file = task.artifacts[0].parts[0].root.file
    assert (file.bytes, file.mime_type, file.name) == ("dGNr", "text/plain", "output.txt"), task
    for number, content in enumerate((bytes(range(256)), b"abc", b"hello")):
        sent = message(f"tck-artifact-text-file-{number}")
        encoded = b64encode(content).decode()
        sent.parts.append(Part(root=FilePart(file=FileWithBytes(bytes=encoded, mime_type="text/plain", name="sent"))))
        ((task, _),) = await events(unary.send_message(sent))
        assert task.history[0].parts[1].root.file.bytes == encoded, task

    (answer,) = await events(unary.send_message(message("tck-message-response-1")))
    assert answer.parts[0].root.text == "Direct message response", answer

    told = await events(streaming.send_message(message("tck-stream-artifact-chunked-1")))
    task, last = told[-1]
    assert last.final and last.status.state == TaskState.completed, told
    assert [part.root.text for part in task.artifacts[0].parts] == ["chunk-1 ", "chunk-2"], task

    ((asked, _),) = await events(unary.send_message(message("tck-input-required-1")))
    assert asked.status.state == TaskState.input_required, asked
    ((done, _),) = await events(unary.send_message(message("tck-artifact-text-2", asked.id)))
    assert done.id == asked.id and done.status.state == TaskState.completed, done

    running = streaming.send_message(message("test-resubscribe-message-id-1"))
    task, _ = await anext(running)
    told = await events(streaming.resubscribe(TaskIdParams(id=task.id)))
    assert told[-1][1].final, told

    ((asked, _),) = await events(unary.send_message(message("tck-input-required-2")))
    config = TaskPushNotificationConfig(task_id=asked.id, push_notification_config=PushNotificationConfig(id="hook", url="https://example.com/hook"))
    created = await unary.set_task_callback(config)
    assert created.push_notification_config.url == "https://example.com/hook", created
    read = await unary.get_task_callback(GetTaskPushNotificationConfigParams(id=asked.id, push_notification_config_id="hook"))
    assert read.push_notification_config.id == "hook", read

    canceled = await unary.cancel_task(TaskIdParams(id=asked.id))
    assert canceled.status.state == TaskState.canceled, canceled
    try:
        await unary.get_task(TaskQueryParams(id="none"))
    except Exception as error:
        assert "-32001" in str(error) or "404" in str(error), error
    else:
        raise AssertionError("a task of no one")
    print("ok")


asyncio.run(main(*sys.argv[1:]))
