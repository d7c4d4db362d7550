"""What OpenAPI cannot say of a request: which parameters go with which others, and which text is a cursor.

Valid requests are made valid in that regard, too. Invalid ones, which have to be refused, stay as they are.
"""

import schemathesis
from schemathesis import GenerationMode


@schemathesis.hook
def before_call(context, case, **kwargs):
    query = case.query
    if not query or case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if "ids" in query:
        case.query = {"ids": query["ids"]}
        return
    # Signed: only the program makes one.
    query.pop("cursor", None)
    if "price_min" in query or "price_max" in query:
        query.setdefault("currency", "USD")
