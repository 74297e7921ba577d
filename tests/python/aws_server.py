"""Moto as a server of DynamoDB and SQS for tests, with what it lacks: one request of DynamoDB at a time, so that transactions
and conditions hold among concurrent clients, transactions and queries that look at what they touch and not at the whole table,
the transactions' limit of 4 MB, the token by which one that is sent again is made once, queues that lose nothing when a message
is deleted while another is sent, and FIFO queues that give no two receivers messages of one group, and take none twice within
five minutes.

    python aws_server.py HOST PORT
"""

import copy
import sys
import threading
import time

from moto.core.responses import ActionResult
from moto.dynamodb import responses
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.server import main
from moto.sqs.models import Queue, SQSBackend

ONE_AT_A_TIME = threading.RLock()
MOST_BYTES = 4 * 1024 * 1024
LOOK_SECONDS = 0.02
TAKEN_ONCE_SECONDS = 300

DONE = set()

call_action = responses.DynamoHandler.call_action
transact_write_items = DynamoDBBackend.transact_write_items
query = Table.query
delete_message = Queue.delete_message
receive_message = SQSBackend.receive_message
add_message = Queue.add_message
answer_transaction = responses.DynamoHandler.transact_write_items


def one_at_a_time(self):
    with ONE_AT_A_TIME:
        return call_action(self)


def key_of(table, operation):
    attributes = operation.get("Item") or operation.get("Key")
    return {name: attributes[name] for name in (table.hash_key_attr, table.range_key_attr) if name}


def size_of(value):
    """Bytes of an attribute's value, of which texts matter."""
    if isinstance(value, dict):
        return sum(len(name) + size_of(part) for name, part in value.items())
    if isinstance(value, list):
        return sum(map(size_of, value))
    return len(str(value).encode())


def write_or_restore(self, transact_items):
    if sum(size_of(next(iter(item.values()))) for item in transact_items) > MOST_BYTES:
        raise MockValidationException("the aggregate size of the items in the transaction exceeds 4 MB")
    before = []
    for item in transact_items:
        operation = next(iter(item.values()))
        table = self.get_table(operation["TableName"])
        hash_key, range_key = self.get_keys_value(table, key_of(table, operation))
        before.append((table, hash_key, range_key, copy.deepcopy(table.get_item(hash_key, range_key))))
    try:
        transact_write_items(self, transact_items)
    except Exception:
        for table, hash_key, range_key, item in before:
            if item is not None:
                table.items[hash_key][range_key] = item
            else:
                table.items.get(hash_key, {}).pop(range_key, None)
        raise


def once(self):
    token = self.body.get("ClientRequestToken")
    if token and token in DONE:
        return ActionResult({})
    answer = answer_transaction(self)
    DONE.add(token)
    return answer


def query_what_it_may_find(self, hash_key, *rest, **named):
    index_name = rest[6]
    held = self.items if index_name else {hash_key: self.items.get(hash_key, {})}
    # Moto sorts the whole table first.
    self.all_items = lambda: [item for of_key in held.values() for item in of_key.values()]
    try:
        return query(self, hash_key, *rest, **named)
    finally:
        del self.all_items


def delete_beside_none(self, receipt_handle):
    # Moto puts a list without the message in place of the other, to which a message may have been added since.
    with self._messages_lock:
        return delete_message(self, receipt_handle)


def receive_beside_none(self, queue_name, count, wait_seconds, visibility_timeout, attributes=None):
    queue = self.get_queue(queue_name)
    give_up = time.monotonic() + wait_seconds
    while True:
        # Moto looks once which groups are out, and then waits.
        with queue._messages_lock:
            received = receive_message(self, queue_name, count, 0, visibility_timeout, attributes)
        left = give_up - time.monotonic()
        if received or left <= 0:
            return received
        if queue.messages:
            # Those of a group that is out.
            time.sleep(LOOK_SECONDS)
        else:
            queue.wait_for_messages(min(1, left))


def add_once(self, message):
    # Moto forgets what was deleted.
    token = message.deduplication_id
    if self.fifo_queue and token:
        with self._messages_lock:
            taken = self.__dict__.setdefault("taken", {})
            if time.monotonic() - taken.get(token, -TAKEN_ONCE_SECONDS) < TAKEN_ONCE_SECONDS:
                return
            taken[token] = time.monotonic()
    add_message(self, message)


# Moto's own way back is a copy of the whole table.
Table.__deepcopy__ = lambda table, memo: table
Table.query = query_what_it_may_find
Queue.delete_message = delete_beside_none
SQSBackend.receive_message = receive_beside_none
Queue.add_message = add_once
DynamoDBBackend.transact_write_items = write_or_restore
responses.DynamoHandler.transact_write_items = once
responses.DynamoHandler.call_action = one_at_a_time

if __name__ == "__main__":
    main(["-H", sys.argv[1], "-p", sys.argv[2]])
