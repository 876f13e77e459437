"""Reading the archives that an install stores."""

import tarfile


def content_of(tar: tarfile.TarFile, member: tarfile.TarInfo | str) -> bytes:
    """The bytes of a file in the archive; a directory or a link has none."""
    file = tar.extractfile(member)
    assert file is not None, f"{member} is no file"
    return file.read()
