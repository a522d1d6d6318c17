"""Messages that parse, but whose parts do not fit each other."""

_INTEGERS = [0, 1, -1, 2, 7, 1 << 31, (1 << 31) - 1, -(1 << 31), (1 << 63) - 1, -(1 << 63)]
_STRINGS = ["", "/etc/passwd", "../../x", "a:b:c", "^x", "\x00"]


def is_map(field):
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def parts(message):
    """A message and all messages inside of it."""
    found = [message]
    for field, value in message.ListFields():
        if not field.message_type:
            continue
        if is_map(field):
            inner = [value[key] for key in value]
            inner = inner if field.message_type.fields_by_name["value"].message_type else []
        else:
            inner = value if field.is_repeated else [value]
        for each in inner:
            found += parts(each)
    return found


def strings_of(message):
    """All names in a message, which damage lets stand for each other."""
    found = set(_STRINGS)
    for part in parts(message):
        for field, value in part.ListFields():
            if field.type == field.TYPE_STRING:
                found.update(value if field.is_repeated else [value])
    return sorted(found)


def damage(message, rng, strings):
    """Change a field or three, wherever they are."""
    for _ in range(rng.randint(1, 3)):
        part = rng.choice(parts(message))
        fields = part.ListFields()
        if not fields:
            continue
        field, value = rng.choice(fields)
        try:
            if is_map(field):
                del value[rng.choice(list(value))]
            elif field.is_repeated:
                _damage_list(field, value, rng, strings)
            elif field.message_type or rng.random() < 0.3:
                part.ClearField(field.name)
            else:
                setattr(part, field.name, _other(field, rng, strings))
        except (ValueError, TypeError):
            pass  # a number that the field cannot hold


def _damage_list(field, value, rng, strings):
    index = rng.randrange(len(value))
    if rng.random() < 0.4:
        del value[index]
    elif field.message_type:
        value.add().CopyFrom(rng.choice(value))
    else:
        value[index] = _other(field, rng, strings)


def _other(field, rng, strings):
    if field.type == field.TYPE_STRING:
        return rng.choice(strings)
    if field.type == field.TYPE_BYTES:
        return rng.randbytes(rng.randrange(9))
    if field.type == field.TYPE_BOOL:
        return rng.random() < 0.5
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return rng.choice([float("nan"), float("inf"), 0.0, -1e30])
    return rng.choice(_INTEGERS)
