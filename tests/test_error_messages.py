"""Every mistake is answered in three lines: which function and what is wrong, what came, and what to write instead."""

import copy
import inspect
import pickle
import re
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
from attack_helpers import HUGE, attacks, bind

import minicnn
from minicnn import errors
from minicnn.autograd.op import composition
from minicnn.autograd.refusal import guarded, wrong_type
from minicnn.errors import MinicnnError
from minicnn.nn import functional as F
from minicnn.testing import assert_gradients
from minicnn.testing import errors as page
from minicnn.testing.suite import every_function

PAGE = Path(minicnn.__file__).parents[1] / "docs" / "errors.md"
FUNCTIONS = {public.name: public for public in every_function()}
AS_MANY_STEPS = {  # as many steps, or pieces, as are asked for
    "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "combinations", "tensor_split", "vander"
}  # fmt: skip
TAKEN = {
    ("adaptive_avg_pool1d", "output_size"): "None keeps the size, as it does in 2d",
    ("adaptive_max_pool1d", "output_size"): "None keeps the size, as it does in 2d",
    ("gumbel_softmax", "eps"): "there for PyTorch's sake, and used by neither",
    ("softmin", "_stacklevel"): "of a warning that is not given here",
}


def holds_huge(value):
    return value == HUGE if isinstance(value, int) else isinstance(value, (list, tuple)) and any(map(holds_huge, value))


def faults(name, error):
    """Return what is wrong with an error that a function raised."""
    text = str(error)
    lines = text.splitlines()
    parameters = "|".join(inspect.signature(FUNCTIONS[name].function).parameters)
    if not isinstance(error, MinicnnError):
        return f"is no error of minicnn's: {type(error).__name__}"
    if len(lines) != 3 or not lines[2].startswith("  Fix: ") or len(lines[2]) < 10 or not lines[1].strip():
        return "has not the three lines"
    if not text.startswith(f"{name}: "):
        return "does not begin with the function's name"
    if not re.search(rf"\b({parameters})\b", text.partition(": ")[2]):
        return "names no argument"
    return None


def of_another_type(name, parameter, value):
    """Whether a value is plainly not of the type annotated, and must not be taken."""
    annotated = inspect.signature(FUNCTIONS[name].function).parameters[parameter]
    if "bool" in annotated.annotation or isinstance(value, (np.ndarray, minicnn.Tensor)):
        return False  # anything is true or false; arithmetic takes arrays, and tensors for numbers
    return (name, parameter) not in TAKEN and wrong_type(annotated, value) is not None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_argument_is_answered(name):
    answered = 0
    for parameter, wrong, call in attacks(FUNCTIONS[name]):
        if name in AS_MANY_STEPS and holds_huge(wrong):
            continue
        args, kwargs = [bind(a) for a in call.args], {k: bind(v) for k, v in call.kwargs.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                FUNCTIONS[name].function(*args, **kwargs)
                assert not of_another_type(name, parameter, bind(wrong)), f"{name}({parameter}={wrong!r}) is taken"
                continue
            except MemoryError:
                assert holds_huge(wrong)
                continue
            except Exception as error:
                fault = faults(name, error)
                said = f"{name}({parameter}={wrong!r:.80}) {fault}:\n{error}"
        assert fault is None, said
        answered += 1
    assert answered


def test_the_check_can_fail(monkeypatch):
    monkeypatch.setattr(minicnn.autograd.refusal, "described", lambda *_: "things")
    with pytest.raises(AssertionError, match="names no argument"):
        test_a_wrong_argument_is_answered("expand")
    monkeypatch.setitem(FUNCTIONS, "var", type("Bare", (), {**vars(FUNCTIONS["var"]), "function": bare("var")}))
    with pytest.raises(AssertionError, match="is no error of minicnn's"):
        test_a_wrong_argument_is_answered("var")


def bare(name):
    """A function without its guard."""
    return staticmethod(FUNCTIONS[name].function.__wrapped__)


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page.page(), "run python -m minicnn.testing.errors"


def test_each_function_has_error_samples_and_the_page_all_of_them():
    text = page.page()
    assert "nothing\n" not in text
    for name, public in FUNCTIONS.items():
        samples = list(public.errors())
        assert samples, name
        for sample in samples:
            told = page.told(public, sample)
            alone = f"`{name}{sample}`\n\n```text\n{told}\n```"
            shared = re.sub(rf"\b{name}\b", page.NAME, alone)
            listed = text.partition(shared)[2].partition("```text")[2].partition("```")[0]
            assert alone in text or name in re.split(r"[,\s]+", listed), f"{name}{sample}"


def test_the_page_tells_a_shared_answer_once_and_links_to_all_else():
    text = page.page()
    blocks = re.findall(r"^(`(\w+)\([^\n]*`\n\n```text\n.*?\n```)$", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) > 500
    for block, name in blocks:
        assert name == page.NAME or re.sub(rf"\b{name}\b", page.NAME, block) not in text, block
    links = re.findall(r"\]\(#([\w-]+)\)", text)
    heads = [
        re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^##+ (.*)$", text, re.MULTILINE)
    ]
    assert sorted(links) == sorted(set(heads) - {"contents"})
    assert len(links) > 200


def test_what_is_to_be_written_can_be_copied():
    assert not re.search(r"[−–×·]", "".join(re.findall(r"^  Fix: .*$", page.page(), re.MULTILINE)))


# ---- how a failed call is answered


X = minicnn.ones(2, 3)


def answer(function, *args, **kwargs):
    with pytest.raises(MinicnnError) as caught:
        function(*args, **kwargs)
    return caught.value


def test_the_function_that_was_called_is_named_not_the_one_inside():
    error = answer(minicnn.std, X, 5)
    assert str(error).splitlines() == [
        "std: dim expects an int from -2 to 1, got 5.",
        "  input (2, 3), dim=5; there are 2 to choose from",
        "  Fix: count dims from 0, or from the end with -1.",
    ]
    error = answer(F.huber_loss, minicnn.ones(3), minicnn.ones(3) > 0)
    assert "input (3,) float32, target (3,) bool" in str(error)
    assert "other" not in str(error)


def test_an_argument_of_the_wrong_type_is_named():
    assert "var: input expects a Tensor, got list." in str(answer(minicnn.var, [1.0, 2.0]))
    assert "where the None comes from" in str(answer(minicnn.mean, None))
    error = answer(F.conv2d, minicnn.ones(1, 1, 4, 4), minicnn.ones(1, 1, 3, 3), groups="two")
    assert isinstance(error, TypeError)
    assert "groups expects an int, got str." in str(error)


def test_missing_unknown_and_surplus_arguments():
    error = answer(F.conv2d, minicnn.ones(1, 1, 4, 4), minicnn.ones(1, 1, 3, 3), pading=1)
    assert isinstance(error, TypeError)
    assert "conv2d: has no argument pading." in str(error)
    assert "Fix: write padding=." in str(error)
    assert "'weight'" in str(answer(F.conv2d, X))
    assert "too many positional arguments" in str(answer(minicnn.cumsum, X, 0, None, 1, 2, 3))
    with pytest.raises(TypeError, match="unexpected keyword"):
        minicnn.exp(X, foo=1)  # elementwise functions have no guard, and Python answers


def test_numpy_is_told_in_three_lines_and_kept_as_the_cause():
    def broken(input, size):
        return np.zeros(size).reshape(7)

    ours = types.FunctionType(broken.__code__, {"np": np, "__name__": "minicnn.ops.broken"})
    error = answer(guarded(ours), X, 3)
    with pytest.raises(ValueError, match=r"^cannot reshape"):  # a function of a user's answers for itself
        guarded(broken)(X, 3)
    assert isinstance(error, errors.ParameterError)
    assert "cannot reshape array" in str(error)
    assert "input (2, 3), size=3" in str(error)
    assert isinstance(error.__cause__, ValueError)


def test_an_error_of_a_callback_is_the_users_own():
    def distance(a, b):
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        F.triplet_margin_with_distance_loss(X, X, X, distance_function=distance)


def test_a_guard_keeps_the_function_it_guards():
    def samples(rng):
        yield from ()

    def own(input, dim=0):
        """Words."""

    try:
        guard = composition(samples, samples)(own)
    finally:
        minicnn.autograd.op.functions.pop("own", None)
    assert (guard.__name__, guard.__doc__, guard.__globals__) == ("own", "Words.", own.__globals__)


def test_an_error_names_devices_and_dtypes_where_it_is_about_them():
    with minicnn.use("strict"):
        other = minicnn.ones(2, 3)
    assert "input (2, 3) on cpu, other (2, 3) on strict" in str(answer(minicnn.maximum, X, other))
    assert "input (2, 3) float32" in str(answer(minicnn.bitwise_not, X))


def test_values_are_shown_in_one_line():
    text = str(answer(F.linear, np.ones((30, 30)), X))
    assert len(text.splitlines()) == 3
    assert max(map(len, text.splitlines())) < 120


@pytest.mark.parametrize("error", [errors.ParameterError])
def test_a_parameter_out_of_range_is_both_of_pytorchs_errors(error):
    assert issubclass(error, ValueError)
    assert issubclass(error, RuntimeError)


# ---- what a newcomer meets


T = minicnn.tensor
MET = [  # the call, the type that PyTorch raises there, and words of the message
    (lambda: minicnn.zeros(2.5), TypeError, "zeros: sizes expect ints, got 2.5."),
    (lambda: minicnn.ones(2, "3"), TypeError, "ones: sizes expect ints"),
    (lambda: X.view(2.5), TypeError, "view: sizes expect ints"),
    (lambda: X.view(-1, 783), RuntimeError, "view: 6 elements do not fill"),
    (lambda: T("a"), TypeError, "tensor: data expects a number, got str."),
    (lambda: T(["1"]), ValueError, "tensor: element [0] expects a number, got str."),
    (lambda: T([[1.0, 2.0], [3.0, None]]), RuntimeError, "tensor: element [1][1] expects a number, got None."),
    (lambda: T([None]), RuntimeError, "float('nan')"),
    (lambda: T({}), RuntimeError, "tensor: data expects a number, got dict."),
    (lambda: T([[1, 2], [3]]), ValueError, "equal lengths"),
    (lambda: T([[1, 2], 3]), ValueError, "equal lengths"),
    (lambda: X[0][::-1], ValueError, "a slice's step expects 1 or more, got -1."),
    (lambda: X[0:2:-1], ValueError, "x.flip(0)"),
    (lambda: X.clone().__setitem__(slice(None, None, 0), 1), ValueError, "got 0."),
    (lambda: F.one_hot(T([5]), 3), RuntimeError, "class 5 is out of range for 3 classes"),
    (lambda: F.one_hot(T([5]), 3), IndexError, "one_hot"),
    (lambda: F.binary_cross_entropy(minicnn.ones(3), minicnn.ones(4)), ValueError, "target expects"),
    (lambda: F.binary_cross_entropy_with_logits(minicnn.ones(3), minicnn.ones(4)), ValueError, "target expects"),
    (lambda: F.nll_loss(X, T([0])), ValueError, "target expects shape (2,), got (1,)."),
    (lambda: F.cross_entropy(X, T([0])), ValueError, "target expects shape (2,), got (1,)."),
    (
        lambda: minicnn.addmm(minicnn.ones(3), X, X.T),
        RuntimeError,
        "addmm: input expects a shape that broadcasts to (2, 2)",
    ),
    (lambda: minicnn.baddbmm(minicnn.ones(3), X[None], X.T[None]), RuntimeError, "baddbmm: input expects a shape"),
    (lambda: assert_gradients(minicnn.exp, [1.0, 2.0]), TypeError, "np.array([1.0, 2.0])"),
    (lambda: minicnn.summary(minicnn.nn.Linear(3, 2), minicnn.zeros(90, 3)), ValueError, "a Tensor of shape (90, 3)"),
]


@pytest.mark.parametrize(("call", "kind", "words"), MET, ids=range(len(MET)))
def test_a_newcomers_mistake_is_answered_as_pytorchs_type(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    assert isinstance(caught.value, MinicnnError)
    assert len(str(caught.value).splitlines()) == 3
    assert words in str(caught.value)


def test_a_warning_points_at_the_callers_line():
    layer = minicnn.nn.MSELoss()
    for call in (lambda: F.mse_loss(X, X[0]), lambda: layer(X, X[0]), lambda: F.mse_loss(X, X, reduce=False)):
        with pytest.warns(UserWarning, match=r"broadcast|deprecated") as caught:
            call()
        assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    "name", ["max", "min", "sort", "topk", "kthvalue", "median", "nanmedian", "mode", "cummax", "cummin"]
)
def test_named_tuples_print_under_their_functions_name(name):
    function = getattr(minicnn, name)
    for x in (minicnn.tensor([[2.0, 1.0, 2.0]]), minicnn.tensor(1.0)):
        found = function(x, *(1,) * (name in ("topk", "kthvalue")), **({} if name in ("sort", "topk") else {"dim": -1}))
        assert repr(found).startswith(f"{name}(values=")
        assert repr(pickle.loads(pickle.dumps(found))) == repr(copy.deepcopy(found)) == repr(found)
    assert repr(minicnn.aminmax(X)) == "aminmax(min=tensor(1.), max=tensor(1.))"
