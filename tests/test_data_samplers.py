"""Samplers, datasets without index, samples without batches, and what the loader does when a worker hangs."""

import collections
import threading
import time

import numpy as np
import pytest

import minicnn
from minicnn import as_tensor
from minicnn.data import (
    BatchSampler,
    ChainDataset,
    DataLoader,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_convert,
    get_worker_info,
)
from minicnn.data.stream import rng
from minicnn.errors import ArgumentTypeError, DataError, ParameterError
from minicnn.random import Generator, manual_seed


def refused(kind, call, *words):
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert text.count("\n") == 2, text
    for word in words:
        assert word in text, f"{word!r} is not in:\n{text}"


def seeded(seed=0):
    return Generator().manual_seed(seed)


class Numbers(IterableDataset):
    """0, 1, 2, ...; with a draw of the transforms' random numbers beside each where asked."""

    def __init__(self, count, random=False, fails_at=None):
        self.count, self.random, self.fails_at = count, random, fails_at

    def __iter__(self):
        for i in range(self.count):
            if i == self.fails_at:
                raise ZeroDivisionError(f"sample {i}")
            time.sleep(1e-4)  # in which another thread would come in between
            yield (i, rng().random()) if self.random else i


# ---- samplers


def test_sequential_and_batch_sampler():
    assert list(SequentialSampler(range(4))) == [0, 1, 2, 3]
    for drop, lists in ((False, [[0, 1, 2], [3, 4, 5], [6]]), (True, [[0, 1, 2], [3, 4, 5]])):
        sampler = BatchSampler(SequentialSampler(range(7)), 3, drop)
        assert list(sampler) == list(sampler) == lists  # again and again
        assert len(sampler) == len(lists)
    assert list(BatchSampler([9, 8], 1, False)) == [[9], [8]]


def test_random_sampler():
    sampler = RandomSampler(range(50), generator=seeded())
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert list(RandomSampler(range(50), generator=seeded())) == first
    drawn = list(RandomSampler(range(5), replacement=True, num_samples=200, generator=seeded()))
    assert len(drawn) == 200
    assert set(drawn) == set(range(5))
    assert len(list(RandomSampler(range(9), replacement=True, generator=seeded()))) == 9
    few = list(RandomSampler(range(50), num_samples=7, generator=seeded()))
    assert len(set(few)) == 7
    many = RandomSampler(range(5), num_samples=12, generator=seeded())
    counts = collections.Counter(many)
    assert len(many) == sum(counts.values()) == 12
    assert set(counts.values()) <= {2, 3}
    manual_seed(3)
    again = list(RandomSampler(range(20)))
    manual_seed(3)
    assert list(RandomSampler(range(20))) == again


def test_subset_random_sampler():
    sampler = SubsetRandomSampler([3, 1, 4, 15], seeded())
    assert sorted(sampler) == [1, 3, 4, 15]
    assert len(sampler) == 4
    assert len({tuple(sampler) for _ in range(40)}) > 5


def test_weighted_random_sampler():
    for weights in ([1, 0, 3], np.array([1.0, 0.0, 3.0]), as_tensor([1.0, 0.0, 3.0])):
        counts = collections.Counter(WeightedRandomSampler(weights, 4000, generator=seeded()))
        assert set(counts) == {0, 2}
        assert 900 < counts[0] < 1100
    once = WeightedRandomSampler([5, 1, 0, 1], 3, replacement=False, generator=seeded())
    assert sorted(once) == [0, 1, 3]
    assert len(once) == 3


@pytest.mark.parametrize(
    ("kind", "make", "word"),
    [
        (ParameterError, lambda: RandomSampler([]), "num_samples"),
        (ParameterError, lambda: RandomSampler([1], num_samples=0), "got num_samples=0"),
        (ParameterError, lambda: RandomSampler([1], num_samples=1.5), "1.5"),
        (ArgumentTypeError, lambda: RandomSampler([1], replacement=1), "replacement"),
        (ParameterError, lambda: WeightedRandomSampler([1.0], 0), "num_samples"),
        (ParameterError, lambda: WeightedRandomSampler([[1.0]], 1), "(1, 1)"),
        (ParameterError, lambda: WeightedRandomSampler([0.0, 0.0], 1), "not all 0"),
        (ParameterError, lambda: WeightedRandomSampler([-1.0, 2.0], 1), "from 0"),
        (ParameterError, lambda: WeightedRandomSampler([float("nan")], 1), "from 0"),
        (ParameterError, lambda: WeightedRandomSampler([1, 1, 0], 3, replacement=False), "only 2"),
        (ParameterError, lambda: WeightedRandomSampler([1.0], 1, replacement="no"), "replacement"),
        (ParameterError, lambda: BatchSampler([0], 0, False), "batch_size"),
        (ParameterError, lambda: BatchSampler([0], True, False), "batch_size"),
        (ParameterError, lambda: BatchSampler([0], 1, 0), "drop_last"),
        (NotImplementedError, lambda: iter(Sampler()), "__iter__"),
        (NotImplementedError, lambda: iter(IterableDataset()), "__iter__"),
    ],
)
def test_samplers_refuse(kind, make, word):
    refused(kind, make, word)


def test_samplers_in_a_loader():
    data = TensorDataset(minicnn.arange(6), minicnn.arange(6) * 2)
    loader = DataLoader(data, batch_size=4, sampler=SubsetRandomSampler([5, 3, 1], seeded()))
    assert sorted(next(iter(loader))[0].tolist()) == [1, 3, 5]
    assert len(loader) == 1
    batches = BatchSampler(RandomSampler(data, generator=seeded()), 2, True)
    assert [len(x) for x, _ in DataLoader(data, batch_sampler=batches)] == [2, 2, 2]


def test_the_loader_shows_its_samplers():
    plain, shuffled = DataLoader(range(5), batch_size=2), DataLoader(range(5), 2, True, drop_last=True)
    assert isinstance(plain.sampler, SequentialSampler)
    assert isinstance(shuffled.sampler, RandomSampler)
    assert len(shuffled.sampler) == 5
    assert list(plain.batch_sampler) == [[0, 1], [2, 3], [4]]
    assert len(shuffled.batch_sampler) == len(shuffled) == 2
    given = [[0, 1]]
    assert DataLoader(range(5), batch_sampler=given).batch_sampler is given
    assert DataLoader(range(5), batch_size=None).batch_sampler is None


# ---- samples without batches


def test_batch_size_none_gives_samples():
    samples = [(np.float32(i), {"x": np.arange(i)}, "s") for i in range(3)]
    for workers in (0, 2):
        loader = DataLoader(samples, batch_size=None, num_workers=workers)
        assert len(loader) == 3
        got = list(loader)
        assert [float(x) for x, _, _ in got] == [0, 1, 2]
        assert isinstance(got[2][1]["x"], minicnn.Tensor)
        assert got[2][1]["x"].tolist() == [0, 1]
        assert got[1][2] == "s"
    assert sorted(DataLoader(range(6), batch_size=None, shuffle=True, seed=1)) == list(range(6))
    assert list(DataLoader(range(3), batch_size=None, collate_fn=lambda i: i * 10)) == [0, 10, 20]
    batches = TensorDataset(minicnn.arange(6))  # batches that a sampler names: indices may be lists
    got = list(DataLoader(batches, batch_size=None, sampler=BatchSampler(range(6), 4, False)))
    assert [x.tolist() for (x,) in got] == [[0, 1, 2, 3], [4, 5]]


def test_default_convert():
    Point = collections.namedtuple("Point", "x y")
    tensor = as_tensor([1.0])
    got = default_convert({"a": (np.ones(2), "text"), "p": Point(np.int64(3), tensor), "n": None})
    assert got["a"][0].tolist() == [1, 1]
    assert got["a"][1] == "text"
    assert isinstance(got["p"], Point)
    assert int(got["p"].x) == 3
    assert got["p"].y is tensor
    assert got["n"] is None
    words = np.array(["a", "b"])
    assert default_convert(words) is words


# ---- datasets without index


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_iterable_dataset(workers):
    def epoch(count, **options):
        return [batch.tolist() for batch in DataLoader(Numbers(count), num_workers=workers, **options)]

    assert epoch(7, batch_size=3) == [[0, 1, 2], [3, 4, 5], [6]]
    assert epoch(7, batch_size=3, drop_last=True) == [[0, 1, 2], [3, 4, 5]]
    assert epoch(6, batch_size=3) == [[0, 1, 2], [3, 4, 5]]
    assert epoch(0, batch_size=3) == []
    assert epoch(100, batch_size=7)[14:] == [[98, 99]]
    assert list(DataLoader(Numbers(3), batch_size=None, num_workers=workers)) == [0, 1, 2]
    loader = DataLoader(Numbers(3), num_workers=workers)
    assert [int(x) for x in loader] == [int(x) for x in loader] == [0, 1, 2]
    assert get_worker_info() is None


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_an_iterable_reaches_the_loop_at_its_place(workers):
    batches = iter(DataLoader(Numbers(9, fails_at=5), batch_size=2, num_workers=workers))
    seen = [next(batches).tolist(), next(batches).tolist()]
    with pytest.raises(ZeroDivisionError, match="sample 5"):
        next(batches)
    assert seen == [[0, 1], [2, 3]]


def test_random_numbers_of_an_iterable_do_not_depend_on_workers():
    runs = [
        [batch[1].tolist() for batch in DataLoader(Numbers(9, random=True), 2, num_workers=workers, seed=4)]
        for workers in (0, 1, 3)
    ]
    assert runs[0] == runs[1] == runs[2]
    assert len({number for batch in runs[0] for number in batch}) == 9


def test_iterables_refuse():
    data = Numbers(4)
    for options in ({"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}):
        refused(ParameterError, lambda o=options: DataLoader(data, **o), "an IterableDataset", next(iter(options)))
    refused(ArgumentTypeError, lambda: len(DataLoader(data)), "__len__")
    assert DataLoader(data).sampler is None


def test_chain_dataset():
    chain = Numbers(2) + Numbers(3)
    assert isinstance(chain, ChainDataset)
    assert list(chain) == [0, 1, 0, 1, 2]
    refused(ArgumentTypeError, lambda: list(ChainDataset([Numbers(1), [1]])), "IterableDataset", "ConcatDataset")


def test_stack_dataset():
    assert StackDataset("abc", [1, 2, 3])[-1] == ("c", 3)
    named = StackDataset(image=as_tensor([1.0, 2.0]), label=[5, 6])
    batch = next(iter(DataLoader(named, batch_size=2)))
    assert (batch["image"].tolist(), batch["label"].tolist()) == ([1, 2], [5, 6])
    for make in (StackDataset, lambda: StackDataset("ab", [1]), lambda: StackDataset("a", b="b")):
        refused(ParameterError, make, "StackDataset", "one length")
    with pytest.raises(IndexError):
        named[2]


# ---- timeout


class Held:
    """Samples 0, 1, 2; the second comes when the event is set."""

    def __init__(self, event):
        self.event = event

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index == 1:
            self.event.wait(30)
        return index


def test_timeout():
    event = threading.Event()
    loader = DataLoader(Held(event), num_workers=1, timeout=0.2)
    batches = iter(loader)
    assert int(next(batches)) == 0
    start = time.perf_counter()
    refused(DataError, lambda: next(batches), "took too long", "timeout=0.2")
    assert time.perf_counter() - start < 10  # it does not wait for the one that hangs
    event.set()
    for thread in threading.enumerate():
        if thread.name.startswith("minicnn-loader"):
            thread.join()
    assert [int(x) for x in loader] == [0, 1, 2]


def test_a_timeout_error_of_the_sample_is_its_own():
    class Raises(Held):
        def __getitem__(self, index):
            raise TimeoutError("of the server")

    with pytest.raises(TimeoutError, match="of the server"):
        list(DataLoader(Raises(None), num_workers=1, timeout=5))


def test_arguments_stand_where_pytorch_has_them():
    started = []
    loader = DataLoader(range(4), 2, False, None, None, 1, None, True, False, 0, started.append, None, seeded())
    assert [x.tolist() for x in loader] == [[0, 1], [2, 3]]
    assert started == [0]
    options = {"multiprocessing_context": "spawn", "pin_memory_device": "cuda", "in_order": False}
    assert len(list(DataLoader(range(4), num_workers=2, persistent_workers=True, prefetch_factor=4, **options))) == 4


# ---- beside PyTorch


REFUSED = [
    lambda d: d.DataLoader([1, 2], batch_size=0),
    lambda d: d.DataLoader([1, 2], batch_size=2.5),
    lambda d: d.DataLoader([1, 2], batch_size=True),
    lambda d: d.DataLoader([1, 2], num_workers=-1),
    lambda d: d.DataLoader([1, 2], timeout=-1),
    lambda d: d.DataLoader([1, 2], shuffle=True, sampler=[0]),
    lambda d: d.DataLoader([1, 2], batch_sampler=[[0]], batch_size=2),
    lambda d: d.DataLoader([1, 2], batch_sampler=[[0]], shuffle=True),
    lambda d: d.DataLoader([1, 2], batch_sampler=[[0]], drop_last=True),
    lambda d: d.DataLoader([1, 2], batch_size=None, drop_last=True),
    lambda d: d.DataLoader([1, 2], prefetch_factor=2),
    lambda d: d.DataLoader([1, 2], persistent_workers=True),
    lambda d: d.DataLoader([], shuffle=True),
    lambda d: d.RandomSampler([], num_samples=0),
    lambda d: d.RandomSampler([1], replacement=1),
    lambda d: d.RandomSampler([1], num_samples=-1),
    lambda d: d.WeightedRandomSampler([1.0], 0),
    lambda d: d.WeightedRandomSampler([1.0], 1, replacement=3),
    lambda d: d.WeightedRandomSampler([[1.0]], 1),
    lambda d: d.BatchSampler([0], 0, False),
    lambda d: d.BatchSampler([0], 1, 0),
    lambda d: d.StackDataset(),
    lambda d: d.StackDataset("ab", "abc"),
    lambda d: d.ConcatDataset([]),
    lambda d: d.random_split([1, 2], [1, 2]),
    lambda d: d.default_collate([object()]),
    lambda d: d.default_collate([[1], [1, 2]]),
    lambda d: next(iter(d.DataLoader([np.zeros(2), np.zeros(3)], batch_size=2))),
    lambda d: len(d.DataLoader(type("I", (d.IterableDataset,), {"__iter__": lambda self: iter("a")})())),
    lambda d: d.DataLoader(type("I", (d.IterableDataset,), {"__iter__": lambda self: iter("a")})(), shuffle=True),
    lambda d: d.DataLoader(type("I", (d.IterableDataset,), {"__iter__": lambda self: iter("a")})(), sampler=[1]),
]


@pytest.mark.peers
@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_the_same_arguments_are_refused_as_in_pytorch(number):
    data = pytest.importorskip("torch.utils.data")
    import minicnn.data as mine

    with pytest.raises(Exception) as theirs:  # noqa: PT011
        REFUSED[number](data)
    known = (ValueError, TypeError, RuntimeError, AssertionError, IndexError)
    kind = next(kind for kind in type(theirs.value).__mro__ if kind in known)
    with pytest.raises(ValueError if kind is AssertionError else kind):  # PyTorch asserts in places
        REFUSED[number](mine)


@pytest.mark.peers
def test_samplers_and_batches_have_pytorchs_lengths():
    data = pytest.importorskip("torch.utils.data")
    import minicnn.data as mine

    for count in (1, 5, 12):
        for size in (1, 4, 5):
            for drop in (False, True):
                lengths = [len(d.DataLoader(range(count), size, drop_last=drop)) for d in (data, mine)]
                assert lengths[0] == lengths[1]
                batches = [list(d.BatchSampler(d.SequentialSampler(range(count)), size, drop)) for d in (data, mine)]
                assert batches[0] == batches[1]
        for samples in (None, 3, 30):
            kinds = [
                [collections.Counter(d.RandomSampler(range(count), r, samples)).total() for r in (False, True)]
                for d in (data, mine)
            ]
            assert kinds[0] == kinds[1]
