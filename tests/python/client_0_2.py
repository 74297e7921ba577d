"""The official Python SDK 0.2 as a client: python client_0_2.py URL. Prints ok at the end."""

import asyncio
import sys

import httpx
from a2a.client import A2ACardResolver, A2AClient
from a2a.types import CancelTaskRequest, GetTaskRequest, Message, MessageSendParams, Part, Role, SendMessageRequest, SendStreamingMessageRequest
from a2a.types import TaskIdParams, TaskQueryParams, TaskState, TextPart


def params(message_id: str) -> MessageSendParams:
    return MessageSendParams(message=Message(messageId=message_id, role=Role.user, parts=[Part(root=TextPart(text="hello"))]))


async def main(url: str) -> None:
    http = httpx.AsyncClient(timeout=30, trust_env=False)
    card = await A2ACardResolver(http, url).get_agent_card()
    client = A2AClient(http, agent_card=card)

    answer = await client.send_message(SendMessageRequest(id=1, params=params("tck-artifact-text-1")))
    task = answer.root.result
    assert task.status.state == TaskState.completed, task
    assert task.artifacts[0].parts[0].root.text == "Generated text content", task

    stream = client.send_message_streaming(SendStreamingMessageRequest(id="a", params=params("tck-stream-artifact-chunked-1")))
    told = [event.root.result async for event in stream]
    assert told[0].kind == "task" and told[-1].final and told[-1].status.state == TaskState.completed, told

    read = await client.get_task(GetTaskRequest(id=2, params=TaskQueryParams(id=task.id)))
    assert read.root.result.id == task.id, read
    refused = await client.cancel_task(CancelTaskRequest(id=3, params=TaskIdParams(id=task.id)))
    assert refused.root.error.code == -32002, refused
    missing = await client.get_task(GetTaskRequest(id=4, params=TaskQueryParams(id="none")))
    assert missing.root.error.code == -32001, missing
    print("ok")


asyncio.run(main(*sys.argv[1:]))
