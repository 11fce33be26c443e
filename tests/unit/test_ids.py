import os
import re

from airegistry._ids import new_id


def test_ids_are_hexadecimal_and_all_differ():
    ids = [new_id() for _ in range(1000)]
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)
    assert len(set(ids)) == len(ids)


def test_a_child_process_does_not_give_the_ids_of_its_parent():
    new_id()
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, new_id().encode())
        os._exit(0)
    os.wait()
    assert os.read(reading, 100).decode() != new_id()
