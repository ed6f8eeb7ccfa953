"""The wire contract: msgspec Structs and enums, one module per API. Pure data, no logic.

Conventions that hold in every module:

* A field of a **request** that may be left out is typed with `UnsetType`, so that absent and null stay apart.
* A field of an **answer** that may be null is written as null, never left out; a field that may be left out
  but never null is typed with `UnsetType`. Answers carry no key that the contract lacks.
* Measures and money are `Decimal`. `x-json-type` in their metadata says how they appear on the wire, which a
  Python type cannot say: as a number, or as a number or a string. Answers need `decimal_format="number"`.
"""
