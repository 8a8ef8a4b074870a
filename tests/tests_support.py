"""Small station files, written by hand."""

CSV_HEADER = b"time,T,wv\n"


def row(hour: int, temperature: str = "5.0", wind: str = "1.0") -> str:
    """One row of the first day of 2021, or the days after it."""
    return f"2021-01-{1 + hour // 24:02d} {hour % 24:02d}:00,{temperature},{wind}"


def csv_file(*rows: str) -> bytes:
    """A file of such rows."""
    return CSV_HEADER + "".join(f"{line}\n" for line in rows).encode()
