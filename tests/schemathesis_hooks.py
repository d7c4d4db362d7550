"""What OpenAPI cannot say of a request: which parameters go with which others, which text is a cursor, and what
lines of JSON are.

Valid requests are made valid in that regard, too. Invalid ones, which have to be refused, stay as they are.
"""

import schemathesis
from schemathesis import GenerationMode


@schemathesis.serializer("application/x-ndjson")
def json_lines(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(context, case, **kwargs):
    query = case.query
    if not query or case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if "ids" in query:
        case.query = {"ids": query["ids"]}
        return
    # Signed: only the program makes one. That of an export is an id.
    if not case.path.startswith("/products:export"):
        query.pop("cursor", None)
    # Nobody has written that version: the program would ask to try again later.
    if "min_version" in query:
        query["min_version"] = 0
    if "price_min" in query or "price_max" in query:
        query.setdefault("currency", "USD")
