"""What in an HDF5 file would make the library open another one."""

import h5py

from disentbench.errors import UserError

MOST_OBJECTS, DEEPEST = 10_000, 32  # groups and datasets of a file, and groups in one another


def leads_out(file: h5py.File) -> str | None:
    """What in the file would make HDF5 open another one; too many parts are refused."""
    try:
        return _link_out(file)
    except UserError:
        raise
    except (KeyError, OSError, RuntimeError, SystemError, TypeError, ValueError) as error:
        raise UserError(f"{file.filename} is damaged: HDF5 cannot list its content") from error


def _link_out(file: h5py.File) -> str | None:
    """The first link to another file, or values in one, of all groups, one after the other."""
    groups: list[tuple[h5py.Group, int]] = [(file, 0)]
    met, count = set(), 0
    while groups:
        group, depth = groups.pop()
        address = h5py.h5o.get_info(group.id).addr  # pyrefly: ignore[missing-attribute]
        if address in met:  # a group may stand in itself
            continue
        met.add(address)
        count += len(group)
        if count > MOST_OBJECTS or depth > DEEPEST:
            raise UserError(
                f"{file.filename} has more than {MOST_OBJECTS:,} parts, or more than {DEEPEST} "
                "groups in one another; copy what is to be read into a plain file"
            )
        for name in group:
            link, path = group.get(name, getlink=True), f"{group.name}/{name}".strip("/")
            if isinstance(link, h5py.ExternalLink):
                return f"{path!r} is a link to another file, {link.filename}"
            if isinstance(link, h5py.SoftLink):  # it leaves the file only through an external one
                continue
            item = group[name]
            if isinstance(item, h5py.Group):
                groups.append((item, depth + 1))
            elif isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
                return f"{path!r} keeps its values in other files"
    return None
