"""Values that tests set while the cloud runs: named, typed, bounded."""
from dataclasses import dataclass, field, fields

_TYPES = {bool: (bool,), int: (int,), float: (int, float), str: (str,), list[str]: (list,)}


def one_of(*choices: str):
    """A switch that has one of these values; the first is the default."""
    return field(default=choices[0], metadata={"choices": choices})


def some_of(choices: tuple[str, ...], *defaults: str):
    """A switch that is a list of some of these values."""
    return field(default_factory=lambda: list(defaults), metadata={"choices": choices})


@dataclass
class Switches:
    """What `POST /_localaws/…` changes, by name; a subclass declares them."""

    def change(self, values: object) -> None:
        """Take new values, all or none; a name or value that is none of ours raises ValueError."""
        known = {one.name: one for one in fields(self)}
        if not isinstance(values, dict):
            raise ValueError("switches are an object")
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"no switch {name}; there are {', '.join(known)}")
            _check(known[name], value)
        for name, value in values.items():
            setattr(self, name, value)


def _check(switch, value: object) -> None:
    kind = switch.type
    good = isinstance(value, _TYPES[kind]) and isinstance(value, bool) == (kind is bool)
    if not good or (kind in (int, float) and value < 0):
        raise ValueError(f"{switch.name}: {value!r} is not a {getattr(kind, '__name__', kind)}")
    choices = switch.metadata.get("choices")
    for one in value if kind == list[str] else [value]:
        if (kind == list[str] and not isinstance(one, str)) or (choices and one not in choices):
            raise ValueError(f"{switch.name}: {one!r} is none of {', '.join(choices or ('strings',))}")
