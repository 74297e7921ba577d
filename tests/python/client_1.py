"""The official Python SDK 1.x as a client: python client_1.py URL JSONRPC|HTTP+JSON. Prints ok at the end."""

import asyncio
import sys

import httpx
from a2a.client import ClientConfig, create_client
from a2a.types import a2a_pb2 as t
from a2a.utils.errors import TaskNotCancelableError, TaskNotFoundError


def request(message_id: str, task_id: str = "") -> t.SendMessageRequest:
    message = t.Message(message_id=message_id, role=t.ROLE_USER, parts=[t.Part(text="hello")], task_id=task_id)
    return t.SendMessageRequest(message=message)


async def events(stream):
    return [event async for event in stream]


async def main(url: str, binding: str) -> None:
    http = httpx.AsyncClient(timeout=30, trust_env=False)
    configs = [
        ClientConfig(streaming=streaming, httpx_client=http, supported_protocol_bindings=[binding], use_client_preference=True)
        for streaming in (False, True)
    ]
    unary, streaming = [await create_client(url, client_config=config) for config in configs]

    (answer,) = await events(unary.send_message(request("tck-artifact-text-1")))
    task = answer.task
    assert task.status.state == t.TASK_STATE_COMPLETED, task
    assert task.artifacts[0].parts[0].text == "Generated text content", task
    assert (await unary.get_task(t.GetTaskRequest(id=task.id))).id == task.id

    (answer,) = await events(unary.send_message(request("tck-message-response-1")))
    assert answer.message.parts[0].text == "Direct message response", answer

    told = await events(streaming.send_message(request("tck-stream-artifact-chunked-1")))
    assert told[0].HasField("task"), told
    assert told[-1].status_update.status.state == t.TASK_STATE_COMPLETED, told
    chunks = [event.artifact_update.artifact.parts[0].text for event in told if event.HasField("artifact_update")]
    assert chunks == ["chunk-1 ", "chunk-2"], chunks

    running = streaming.send_message(request("test-resubscribe-message-id-1"))
    task = (await anext(running)).task
    told = await events(streaming.subscribe(t.SubscribeToTaskRequest(id=task.id)))
    assert told[0].task.id == task.id, told
    assert told[-1].status_update.status.state == t.TASK_STATE_COMPLETED, told

    (asked,) = await events(unary.send_message(request("tck-input-required-1")))
    assert asked.task.status.state == t.TASK_STATE_INPUT_REQUIRED, asked
    (done,) = await events(unary.send_message(request("tck-artifact-text-2", asked.task.id)))
    assert done.task.id == asked.task.id and done.task.status.state == t.TASK_STATE_COMPLETED, done

    (asked,) = await events(unary.send_message(request("tck-input-required-2")))
    config = t.TaskPushNotificationConfig(task_id=asked.task.id, id="hook", url="https://example.com/hook", token="secret")
    created = await unary.create_task_push_notification_config(config)
    assert (created.id, created.url) == ("hook", "https://example.com/hook"), created
    read = await unary.get_task_push_notification_config(t.GetTaskPushNotificationConfigRequest(task_id=asked.task.id, id="hook"))
    assert read == created, read
    listed = await unary.list_task_push_notification_configs(t.ListTaskPushNotificationConfigsRequest(task_id=asked.task.id))
    assert len(listed.configs) == 1, listed
    await unary.delete_task_push_notification_config(t.DeleteTaskPushNotificationConfigRequest(task_id=asked.task.id, id="hook"))

    canceled = await unary.cancel_task(t.CancelTaskRequest(id=asked.task.id))
    assert canceled.status.state == t.TASK_STATE_CANCELED, canceled
    try:
        await unary.cancel_task(t.CancelTaskRequest(id=asked.task.id))
        raise AssertionError("canceled twice")
    except TaskNotCancelableError:
        pass
    try:
        await unary.get_task(t.GetTaskRequest(id="none"))
        raise AssertionError("a task of no one")
    except TaskNotFoundError:
        pass

    tasks = await unary.list_tasks(t.ListTasksRequest(page_size=2))
    assert tasks.total_size == 5 and len(tasks.tasks) == 2 and tasks.next_page_token, tasks
    print("ok")


asyncio.run(main(*sys.argv[1:]))
