"""A page that a person can read, made from the OpenAPI document; it loads nothing else."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from penstock.serving.protocols.openapi import ServedModel
from penstock.serving.servable import TensorInfo

# Nothing may be loaded or run, whatever the name of a model smuggles in.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"
_STYLE: Final = """
:root { color-scheme: light dark; --line: #d5dae1; --soft: #f5f7f9; --ink: #1c2530;
  --dim: #5b6776; --post: #0b6e4f; --get: #1f5fa8; }
@media (prefers-color-scheme: dark) { :root { --line: #39424e; --soft: #1c232b;
  --ink: #e4e9ef; --dim: #9aa6b4; --post: #4fc79b; --get: #7fb4ef; }
  body { background: #12171c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 58rem; padding: 2.5rem 1.5rem 5rem; color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .5rem; padding-top: 1rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 .35rem; }
p { margin: .4rem 0; }
.dim { color: var(--dim); }
a { color: var(--get); }
code, pre { font: 13.5px/1.5 ui-monospace, Menlo, Consolas, monospace; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px;
  padding: .7rem .9rem; overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 .8rem; }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { color: var(--dim); font-weight: 500; font-size: .875rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; }
summary { cursor: pointer; padding: .45rem .8rem; overflow-wrap: anywhere; }
details > div { padding: .2rem .9rem .8rem; border-top: 1px solid var(--line); }
.verb { display: inline-block; min-width: 3rem; font-weight: 600; font-size: .8rem; }
.post { color: var(--post); } .get { color: var(--get); }
nav { display: flex; flex-wrap: wrap; gap: .1rem 1rem; }
"""


def make_page(document: Mapping[str, Any], models: list[ServedModel], url: str) -> bytes:
    """Return the page.

    Args:
        document: of the server.
        models: that it describes.
        url: that clients reach the server at, for the examples.
    """
    return "".join(_page(document, models, url)).encode()


def _page(document: Mapping[str, Any], models: list[ServedModel], url: str) -> Iterator[str]:
    title = escape(document["info"]["title"])
    yield (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f'<p class="dim">Version {escape(document["info"]["version"])} · '
        '<a href="openapi.json">openapi.json</a> · '
        '<a href="monitoring/prometheus/metrics">metrics</a></p>'
        f"<p>{escape(document['info']['description'])}</p><nav>"
    )
    for number, model in enumerate(models):
        yield f'<a href="#m{number}">{escape(model.name)}</a>'
    yield '<a href="#server">Server</a></nav>'
    for number, model in enumerate(models):
        yield f'<h2 id="m{number}">{escape(model.name)}</h2>'
        yield f'<p class="dim">Version {model.version}{_labels(model)}</p>'
        yield from _signatures(model)
        yield from _operations(document, model.name, url)
    yield '<h2 id="server">Server</h2>'
    yield from _operations(document, "server", url)
    yield "</body></html>"


def _labels(model: ServedModel) -> str:
    named = ", ".join(f"{label} = {number}" for label, number in model.labels.items())
    return f" · labels {escape(named)}" if named else ""


def _signatures(model: ServedModel) -> Iterator[str]:
    for name, signature in model.signatures.items():
        if not signature.inputs and not any(o.dtype for o in signature.outputs.values()):
            continue
        yield f"<h3>Signature <code>{escape(name)}</code></h3><table>"
        yield "<tr><th></th><th>Tensor</th><th>Type</th><th>Shape</th></tr>"
        for side, infos in (("input", signature.inputs), ("output", signature.outputs)):
            for tensor, info in infos.items():
                yield (
                    f'<tr><td class="dim">{side}</td><td><code>{escape(tensor)}</code></td>'
                    f"<td>{'unknown' if info.dtype is None else info.dtype.name}</td>"
                    f"<td>{_shape(info)}</td></tr>"
                )
        yield "</table>"


def _shape(info: TensorInfo) -> str:
    if info.dims is None:
        return "any"
    if not info.dims:
        return "scalar"
    return " \u00d7 ".join("n" if size is None else str(size) for size in info.dims)


def _operations(document: Mapping[str, Any], tag: str, url: str) -> Iterator[str]:
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            if operation["tags"] != [tag]:
                continue
            yield (
                f'<details><summary><span class="verb {verb}">{verb.upper()}</span>'
                f"<code>{escape(path)}</code> "
                f'<span class="dim">{escape(operation["summary"])}</span></summary><div>'
            )
            if "description" in operation:
                yield f"<p>{escape(operation['description'])}</p>"
            yield f"<pre>{escape(_curl(url, verb, path, operation))}</pre>"
            yield "<table>"
            for status, answer in operation["responses"].items():
                yield f"<tr><td>{status}</td><td>{escape(answer['description'])}</td></tr>"
            yield "</table>"
            yield from _schema(operation)
            yield "</div></details>"


def _curl(url: str, verb: str, path: str, operation: Mapping[str, Any]) -> str:
    command = f"curl {url}{path}"
    if verb == "get":
        return command
    content = operation["requestBody"]["content"]["application/json"]
    if "example" not in content:
        return f"{command} -d @request.json"
    return f"{command} \\\n  -d '{json.dumps(content['example'])}'"


def _schema(operation: Mapping[str, Any]) -> Iterator[str]:
    if "requestBody" not in operation:
        return
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    yield "<details><summary>Schema of the request</summary><div><pre>"
    yield escape(json.dumps(schema, indent=2))
    yield "</pre></div></details>"
