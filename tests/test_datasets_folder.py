"""Folders of pictures, made-up pictures, and the sentences of film reviews."""

import numpy as np
import pytest

import minicnn
from minicnn.data import DataLoader, DatasetFolder, FakeData, ImageFolder, MovieReviews, find_datasets, random_split
from minicnn.data.datasets.reviews import Vocabulary
from minicnn.data.transforms import Compose, Resize, ToTensor
from minicnn.errors import DataError, IndexRangeError, ParameterError
from minicnn.models import TextCNN

Image = pytest.importorskip("PIL.Image")


def refused(kind, call, *words):
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert text.count("\n") == 2, text
    for word in words:
        assert word in text, f"{word!r} is not in:\n{text}"


def picture(path, colour=(255, 0, 0), mode="RGB", size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path):
    picture(tmp_path / "dog" / "b.png")
    picture(tmp_path / "dog" / "a.JPG", (0, 255, 0))
    picture(tmp_path / "dog" / "deep" / "c.bmp", (0, 0, 255))
    picture(tmp_path / "Cat" / "x.png", (9, 9, 9), mode="L")
    (tmp_path / "dog" / "notes.txt").write_text("no picture")
    (tmp_path / "loose.png").write_text("not in a class")
    return tmp_path


def test_image_folder(folder):
    data = ImageFolder(folder)
    assert data.classes == ["Cat", "dog"]
    assert data.class_to_idx == {"Cat": 0, "dog": 1}
    names = ["Cat/x.png", "dog/a.JPG", "dog/b.png", "dog/deep/c.bmp"]
    assert data.samples == [(str(folder / name), int(name[0] == "d")) for name in names]
    assert data.imgs is data.samples
    assert data.targets == [0, 1, 1, 1]
    assert len(data) == 4
    image, label = data[0]
    assert (image.mode, image.size, label) == ("RGB", (6, 4), 0)  # a grey file too comes as RGB
    np.testing.assert_array_equal(np.asarray(data[-1][0])[0, 0], [0, 0, 255])
    with pytest.raises(IndexRangeError):
        data[4]
    assert repr(data) == f"Dataset ImageFolder\n    Number of datapoints: 4\n    Root location: {folder}"


def test_image_folder_with_transforms_in_a_loader(folder):
    data = ImageFolder(str(folder), Compose([Resize((8, 8)), ToTensor()]), target_transform=lambda label: label + 5)
    x, y = next(iter(DataLoader(data, batch_size=4, num_workers=2)))
    assert (x.shape, y.tolist()) == ((4, 3, 8, 8), [5, 6, 6, 6])
    np.testing.assert_array_equal(x[2, :, 0, 0].numpy(), [1, 0, 0])


def test_image_folder_with_a_loader_and_a_choice_of_its_own(folder):
    data = ImageFolder(folder, loader=lambda path: path[-5:], is_valid_file=lambda path: path.endswith("g"))
    assert list(data) == [("x.png", 0), ("b.png", 1)]
    assert len(ImageFolder(folder, is_valid_file=lambda path: True)) == 5  # notes.txt too


def test_image_folder_refuses(folder, tmp_path):
    for kind in (DataError, FileNotFoundError):  # the second is torchvision's
        refused(kind, lambda: ImageFolder(tmp_path / "nowhere"), "root expects a folder that can be read", "root/CLASS")
        refused(kind, lambda: ImageFolder(folder / "Cat"), "has no folders in it", "root/CLASS/FILE")
    (folder / "empty").mkdir()
    refused(FileNotFoundError, lambda: ImageFolder(folder), "no files ending in .jpg", "in empty", "allow_empty=True")
    data = ImageFolder(folder, allow_empty=True)
    assert data.classes == ["Cat", "dog", "empty"]
    assert data.targets == [0, 1, 1, 1]
    refused(FileNotFoundError, lambda: ImageFolder(folder, is_valid_file=lambda path: False), "Cat, dog, empty")


@pytest.mark.parametrize("damage", ["truncated", "no picture", "empty", "gone"])
def test_a_damaged_picture(folder, damage):
    path = folder / "dog" / "b.png"
    data = ImageFolder(folder)
    blob = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"truncated": blob[: len(blob) // 2], "no picture": b"text", "empty": b""}[damage])
    refused(DataError, lambda: data[2], "b.png", "cannot be read")
    assert data[1][1] == 1  # the others still come


def test_dataset_folder(tmp_path):
    for name in ("a/1.npy", "b/1.npy", "b/2.NPY"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        with open(tmp_path / name, "wb") as file:
            np.save(file, np.full(3, len(name)))
    data = DatasetFolder(str(tmp_path), np.load, extensions=(".npy",), transform=lambda values: values * 2)
    assert data.targets == [0, 1, 1]
    np.testing.assert_array_equal(data[2][0], [14, 14, 14])
    refused(ParameterError, lambda: DatasetFolder(tmp_path, np.load), "either extensions or is_valid_file")
    both = {"extensions": (".npy",), "is_valid_file": bool}
    refused(ParameterError, lambda: DatasetFolder(tmp_path, np.load, **both), "either extensions or is_valid_file")

    class OnlyB(DatasetFolder):
        def find_classes(self, directory):
            return ["b"], {"b": 0}

    assert OnlyB(tmp_path, np.load, ".npy").targets == [0, 0]


# ---- FakeData


def test_fake_data():
    data = FakeData(20, (3, 8, 6), num_classes=4)
    image, label = data[7]
    assert (image.mode, image.size, type(label)) == ("RGB", (6, 8), int)
    again = np.asarray(data[7][0])
    np.testing.assert_array_equal(np.asarray(image), again)
    assert (np.asarray(data[8][0]) != again).any()
    assert (np.asarray(FakeData(20, (3, 8, 6), random_offset=1)[7][0]) != again).any()
    assert {label for _, label in data} == {0, 1, 2, 3}
    assert data[-1][1] == data[19][1]
    with pytest.raises(IndexError):
        data[20]
    data.transform, data.target_transform = ToTensor(), str
    assert data[0][0].shape == (3, 8, 6)
    assert isinstance(data[0][1], str)
    x, _ = next(iter(DataLoader(FakeData(5, (1, 4, 4), transform=ToTensor()), batch_size=5)))
    assert x.shape == (5, 1, 4, 4)
    assert 0 <= float(x.min()) < 0.1 < 0.9 < float(x.max()) <= 1
    assert len(FakeData()) == 1000
    assert "Number of datapoints: 5" in repr(FakeData(5))


@pytest.mark.parametrize(
    "options", [{"image_size": (2, 8, 8)}, {"image_size": (8, 8)}, {"size": -1}, {"num_classes": 0}]
)
def test_fake_data_refuses(options):
    refused(ParameterError, lambda: FakeData(**options), "FakeData", str(next(iter(options.values()))))


# ---- sentences

POSITIVE = ["a warm , funny film", "the best film of the year"]
NEGATIVE = ["a dull film", "not funny , not warm", "the end is the best of it"]


@pytest.fixture
def reviews(tmp_path, monkeypatch):
    monkeypatch.delenv("MINICNN_DATA", raising=False)
    (tmp_path / "mr").mkdir()
    (tmp_path / "mr" / "rt-polarity.pos").write_text("\n".join(POSITIVE) + "\n", encoding="utf-8")
    (tmp_path / "mr" / "rt-polarity.neg").write_text("\n".join(NEGATIVE) + "\n", encoding="utf-8")
    return tmp_path


def test_movie_reviews(reviews):
    data = MovieReviews(reviews)
    assert len(data) == 5
    assert data.targets.tolist() == [0, 0, 0, 1, 1]
    assert data.sentences == [line.split() for line in NEGATIVE + POSITIVE]
    assert data.data.shape == (5, 7)
    assert data.data.dtype == np.int64
    words = data.vocabulary.words
    assert words[:2] == ["<pad>", "<unk>"]
    assert words[2] == "the"  # four times, more often than any other
    for row, sentence in zip(data.data.tolist(), data.sentences, strict=True):
        assert [words[number] for number in row[: len(sentence)]] == sentence
        assert set(row[len(sentence) :]) <= {0}
    ids, label = data[-1]
    assert (ids.tolist(), label) == (data.data[4].tolist(), 1)
    x, y = next(iter(DataLoader(data, batch_size=5)))
    assert (x.shape, y.tolist()) == ((5, 7), [0, 0, 0, 1, 1])
    assert "Vocabulary: " in repr(data)
    assert find_datasets(reviews)["mr"] == reviews / "mr"


def test_movie_reviews_options(reviews):
    short = MovieReviews(reviews, length=2, min_count=2)
    assert short.data.shape == (5, 2)
    rare = short.vocabulary.words
    assert "dull" not in rare
    assert "film" in rare
    assert short.data[1].tolist() == [rare.index("not"), rare.index("funny")]
    other = MovieReviews(reviews, vocabulary=Vocabulary([["funny"]]), length=9)
    assert other.data[1].tolist() == [1, 2, 1, 1, 1, 0, 0, 0, 0]
    train, test = random_split(MovieReviews(reviews), [4, 1])
    assert len(DataLoader(train, batch_size=2)) == 2
    assert len(test) == 1


def test_the_authors_encoding_is_read(reviews):
    (reviews / "mr" / "rt-polarity.pos").write_bytes("un café\x85 réel\n".encode("latin-1"))
    assert MovieReviews(reviews).sentences[-1] == ["un", "café", "réel"]  # one sentence, though \x85 may end a line


def test_movie_reviews_refuses(reviews):
    refused(DataError, lambda: MovieReviews(reviews / "nowhere"), "rt-polarity.neg", "rt-polaritydata.tar.gz")
    refused(ParameterError, lambda: MovieReviews(reviews, length=0), "length")
    (reviews / "mr" / "rt-polarity.pos").write_bytes(b"\x1f\x8b\0\0packed")
    refused(DataError, lambda: MovieReviews(reviews), "rt-polarity.pos", "no text")


def test_textcnn_learns_the_sentences(reviews):
    minicnn.manual_seed(0)
    data = MovieReviews(reviews)
    model = TextCNN(len(data.vocabulary), embed_dim=8, num_filters=6, kernel_sizes=(2, 3))
    optimizer = minicnn.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(25):
        optimizer.zero_grad()
        minicnn.nn.CrossEntropyLoss()(model(data.data), data.targets).backward()
        optimizer.step()
    assert (model.eval()(data.data).argmax(1) == data.targets).all()


@pytest.mark.parametrize(("name", "lengths"), [("cifar-10", (50_000, 10_000)), ("mr", (8530,))])
def test_full_sets_where_they_are_found(name, lengths):
    from minicnn.data import CIFAR10

    if name not in find_datasets():
        pytest.skip(f"needs the full set {name}: set MINICNN_DATA to the folder that holds it")
    if name == "mr":
        data = MovieReviews()
        assert (len(data), int(data.targets.sum())) == (*lengths, 4265)
        assert data.sentences[4265][:3] == ["the", "rock", "is"]
        return
    train, test = CIFAR10(download=True), CIFAR10(train=False)
    assert (len(train), len(test)) == lengths
    assert train.targets[:5] == [6, 9, 9, 4, 1]
    assert test.targets[:3] == [3, 8, 8]
    assert np.bincount(train.targets).tolist() == [5000] * 10
    np.testing.assert_allclose(train.data.mean((0, 1, 2)) / 255, CIFAR10.mean, atol=1e-4)
    np.testing.assert_allclose(train.data.std((0, 1, 2)) / 255, CIFAR10.std, atol=1e-4)
