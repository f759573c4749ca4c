"""botocore's ParamValidator made stricter: greatest sizes, enumerations, whole numbers that are none."""
import re

from botocore.validate import ParamValidator, ValidationErrors

# Limits of SQS that its model keeps in prose only.
_LIMITS = {
    "ReceiveMessage": {"MaxNumberOfMessages": (1, 10), "WaitTimeSeconds": (0, 20), "VisibilityTimeout": (0, 43_200)},
    "ChangeMessageVisibility": {"VisibilityTimeout": (0, 43_200)},
}
_LONGEST_MESSAGE = 600


class _Report(ValidationErrors):
    def _format_error(self, error):
        reason, name, additional = error
        if reason == "refused":
            return f"{self._get_name(name)}: {additional['why']}"
        return super()._format_error(error)


class _StrictValidator(ParamValidator):
    def __init__(self, checks_patterns: bool):
        self._checks_patterns = checks_patterns

    def validate(self, params, shape):
        errors = _Report()
        self._validate(params, shape, errors, name="")
        return errors

    def _shape_has_constraints(self, shape):
        return True

    def _validate_string(self, param, shape, errors, name):
        super()._validate_string(param, shape, errors, name)
        if isinstance(param, str):
            self._check_greatest(len(param), shape, errors, name, "length")
            pattern = shape.metadata.get("pattern")
            if pattern and self._checks_patterns and _JAVAS not in pattern and not re.fullmatch(pattern, param):
                errors.report(name, "refused", why=f"'{param[:80]}' does not match {pattern}")
            allowed = shape.metadata.get("enum")
            if allowed and param not in allowed:
                errors.report(name, "refused", why=f"'{param[:80]}' is not one of {', '.join(allowed)}")

    def _validate_list(self, param, shape, errors, name):
        super()._validate_list(param, shape, errors, name)
        if isinstance(param, list):
            self._check_greatest(len(param), shape, errors, name, "count")

    def _validate_integer(self, param, shape, errors, name):
        if isinstance(param, bool):
            errors.report(name, "refused", why="a boolean where a whole number belongs")
            return
        super()._validate_integer(param, shape, errors, name)
        if isinstance(param, int):
            self._check_greatest(param, shape, errors, name, "value")

    _validate_long = _validate_integer

    @staticmethod
    def _check_greatest(actual, shape, errors, name, what):
        greatest = shape.metadata.get("max")
        if greatest is not None and actual > greatest:
            errors.report(name, "refused", why=f"its {what} {actual} is above {greatest}")


_VALIDATOR, _PATTERN_VALIDATOR = _StrictValidator(False), _StrictValidator(True)
# Whose patterns are those of the API Reference; a class like \p{L} is not Python's.
_PATTERNED = ("s3control",)
_JAVAS = r"\p{"


def violation(operation, params: dict) -> str | None:
    """What in `params` the operation's model does not allow, as one sentence; None when all is well."""
    shape = operation.input_shape
    if shape is None:
        return f"{operation.name} takes no input, got {', '.join(params)}" if params else None
    is_patterned = operation.service_model.service_name in _PATTERNED
    report = (_PATTERN_VALIDATOR if is_patterned else _VALIDATOR).validate(params, shape)
    if report.has_errors():
        return report.generate_report()[:_LONGEST_MESSAGE]
    for member, (least, greatest) in _LIMITS.get(operation.name, {}).items():
        value = params.get(member)
        if value is not None and not least <= value <= greatest:
            return f"{member}: {value} is not between {least} and {greatest}"
    return None
