"""Kinds of block families, gates, fusions, convolutions and stems, by name.

A kind is one class: its `Field` attributes are what may vary, its `lower` says which layers it
makes. Registering it is all that a plug-in does:

    @gates.register("eca")
    class ECA(Component):
        kernel: int = integer(3, low=1, high=9, about="channels that one weight looks at")

        def lower(self, net, streams): ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar, cast

from nas.architecture.fields import Field, Value, choice
from nas.errors import UserError
from nas.plugins import check_name, typed_again

Given = TypeVar("Given", bound=Callable[..., Any])
_caches: list[Any] = []


def until_registered(function: Given) -> Given:
    """As functools.cache, but it forgets all when a kind is registered."""
    cached = cast(Given, cache(function))
    _caches.append(cached)
    return cached


class Component:
    """A kind with its field values set as attributes; subclasses declare the fields and `lower`."""

    own_fields: ClassVar[dict[str, Field]] = {}
    uses: ClassVar[dict[str, Registry[Any]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = {name: item for name, item in vars(cls).items() if isinstance(item, Field)}
        cls.own_fields = {**cls.own_fields, **declared}
        used = {name: item for name, item in vars(cls).items() if isinstance(item, Use)}
        cls.uses = {**cls.uses, **{name: item.registry for name, item in used.items()}}
        cls.own_fields |= {name: item.field for name, item in used.items()}

    def __init__(self, values: Mapping[str, Value]) -> None:
        """Take the values of this kind's fields; what is not given is default."""
        for name, field in self.own_fields.items():
            setattr(self, name, values.get(name, field.default))
        self.values = values

    def component(self, name: str) -> Any:
        """The component that the field `name` chooses, with its fields (`gate_reduction`, ...)."""
        prefix = name + "_"
        inner = {k[len(prefix) :]: v for k, v in self.values.items() if k.startswith(prefix)}
        return self.uses[name][getattr(self, name)](inner)

    @classmethod
    def fields(cls) -> dict[str, Field]:
        """All fields: the kind's own, and those of every component that it may use, prefixed."""
        return _fields_of(cls)


@until_registered
def _fields_of(kind: type[Component]) -> dict[str, Field]:
    found = dict(kind.own_fields)
    for use, registry in kind.uses.items():
        for other in registry.values():
            found |= {f"{use}_{name}": field for name, field in other.fields().items()}
    return found


Kind = TypeVar("Kind", bound=Component)


class Registry(Mapping[str, type[Kind]], Generic[Kind]):
    """Names to kinds, in the order in which they were registered."""

    def __init__(self, what: str, taken: tuple[str, ...] = ()) -> None:
        self.what = what
        self.taken = {"values", *dir(Component), *taken}  # what no field can be called
        self._kinds: dict[str, type[Kind]] = {}

    def register(self, name: str) -> Callable[[type[Kind]], type[Kind]]:
        """Class decorator that gives the kind its name; a name can be given once.

        What was typed into a notebook takes the place of what it is typed over. UserError for what
        is no kind, and for fields that could not be read.
        """
        check_name(self.what, name)

        def add(kind: type[Kind]) -> type[Kind]:
            if name in self._kinds and not typed_again(self._kinds[name], kind):
                raise UserError(f"{self.what} {name!r} is registered already")
            self._check(name, kind)
            others = {own: other for own, other in self._kinds.items() if own != name}
            for other_name, other in others.items():
                for field in kind.own_fields.keys() & other.own_fields.keys():
                    mine, theirs = kind.own_fields[field], other.own_fields[field]
                    if mine.default != theirs.default:
                        raise UserError(
                            f"{self.what} {name!r}: field {field!r} has default {mine.default!r}, "
                            f"but {theirs.default!r} in {other_name!r}; give it another name"
                        )
                    if mine.domain != theirs.domain:
                        raise UserError(
                            f"{self.what} {name!r}: field {field!r} may hold other values than in "
                            f"{other_name!r}; give it another name"
                        )
            self._kinds[name] = kind
            for cached in _caches:
                cached.cache_clear()
            return kind

        return add

    def _check(self, name: str, kind: type[Kind]) -> None:
        if not (isinstance(kind, type) and issubclass(kind, Component)):
            raise UserError(f"{self.what} {name!r} is not a class that inherits from Component")
        if not callable(getattr(kind, "lower", None)):
            raise UserError(f"{self.what} {name!r} has no method `lower`")
        for field, own in kind.own_fields.items():
            if field in self.taken:
                raise UserError(
                    f"{self.what} {name!r}: field {field!r} has a name that is taken; give it "
                    "another"
                )
            if field not in kind.uses and (valid := own.problem(own.default)):
                raise UserError(
                    f"{self.what} {name!r}: field {field!r}: its default {own.default!r} is not "
                    f"{valid}"
                )

    def __getitem__(self, name: str) -> type[Kind]:
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


class Use:
    """A field of a component that chooses another component from a registry."""

    def __init__(self, registry: Registry[Any], default: str, about: str) -> None:
        self.registry = registry
        self.field: Field = choice(default, registry, about=about)


def use(registry: Registry[Any], default: str, *, about: str) -> Any:
    """Declare a field that chooses a component, whose fields follow as `<field>_<name>`."""
    return Use(registry, default, about)


stems: Registry[Component] = Registry("stem")
families: Registry[Component] = Registry(
    "family", ("family", "channels", "depth", "downsample", "blocks")
)
gates: Registry[Component] = Registry("gate")
fusions: Registry[Component] = Registry("fusion")
convolutions: Registry[Component] = Registry("convolution")


def kinds_of_script() -> list[str]:
    """What was registered by the script that runs, or in a notebook: `gate mine`. Other processes
    know it only if they run the script too."""
    every = (stems, families, gates, fusions, convolutions)
    return [
        f"{own.what} {name}"
        for own in every
        for name, kind in own.items()
        if kind.__module__ == "__main__"
    ]


@until_registered
def family_fields() -> dict[str, list[Field]]:
    """Every field of every family, by name; one name may be declared by several families."""
    found: dict[str, list[Field]] = {}
    for family in families.values():
        for name, declared in family.fields().items():
            found.setdefault(name, []).append(declared)
    return found
