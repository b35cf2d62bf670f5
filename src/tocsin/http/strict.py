"""Strict bodies: JSON that says exactly what the struct asks for, or one sentence that names the field.

Litestar alone turns "60" into 60, takes text/plain for JSON and answers 500 to bad UTF-8.
"""

import re
from typing import Any, ClassVar, TypeVar

import msgspec
from litestar.dto import AbstractDTO
from litestar.typing import FieldDefinition

from tocsin.core.errors import Invalid, InvalidJson

T = TypeVar("T")
_AT = re.compile(r" - at `\$\.?(.*?)`$")


def decode(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """Return the struct in *body*.  Raises InvalidJson; Invalid with the field at fault."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as exc:
        text = str(exc)
        where = _AT.search(text)
        missing = re.search(r"(?:required|unknown) field `(.+?)`", text)
        field = missing[1] if missing else where[1] if where and where[1] else None
        raise Invalid(_AT.sub("", text) + (f" (field {field})" if field and not missing else ""), field=field) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InvalidJson(f"The body is not valid JSON: {exc}") from exc


class Strict(AbstractDTO[T]):
    """Use as `dto=Strict[NewThing]` beside `data: NewThing`."""

    decoder: ClassVar["msgspec.json.Decoder[Any]"]

    def __class_getitem__(cls, model: Any) -> type["Strict[Any]"]:
        namespace = {"model_type": model, "decoder": msgspec.json.Decoder(model, strict=True)}
        return type(f"Strict[{model.__name__}]", (cls,), namespace)

    @classmethod
    def is_supported_model_type_field(cls, model_type: FieldDefinition) -> bool:
        return True

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        return False

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Any:
        return iter(())

    @classmethod
    def create_for_field_definition(cls, field_definition: FieldDefinition, *args: Any, **kwargs: Any) -> None:
        """Nothing to prepare: the decoder is the whole of it."""

    def decode_bytes(self, value: bytes) -> Any:
        return decode(self.decoder, value)

    @classmethod
    def create_openapi_schema(cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any) -> Any:
        return schema_creator.for_field_definition(field_definition)
