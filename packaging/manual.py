#!/usr/bin/env python3
"""Writes the manual pages of the C API (man 3) from the public headers, whose comments are its text.

    manual.py INCLUDE OUT DATE

A page is a section of a header, from one "---- title ----" to the next, and is named after its first function; the other
functions of the section lead to it. hone.3 is what they all have in common. Read are C and comments as clang-format leaves them
in these headers: what stands at the beginning of a line is a declaration or a comment about the next ones.
"""

import pathlib
import re
import sys

# A header, and the title of what stands before its first section.
HEADERS = [("hone.h", "results, errors and texts"), ("generate.h", "texts that go on"), ("scheduler.h", "many requests on one model"),
           ("files.h", "model files"), ("bench.h", "what a machine can do")]  # fmt: skip
SECTION = re.compile(r"/\* -{4,} (.*?) -{4,} \*/\n")
FUNCTION = re.compile(r"^HONE_API\s[^;]*?\b(hone_\w+)\(", re.M)
GUARDS = re.compile(r"^#ifdef __cplusplus\n(?:.*\n){1,2}#endif\n|^#(?:ifndef|define) HONE_\w+_H\n|^#include .*\n|^#endif\n\Z", re.M)


def roff(text):
    """As roff takes it, no request and no escape of its own."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha")
    return "\n".join("\\&" + line if line.startswith(".") else line for line in text.split("\n"))


def prose(comment):
    """A comment's sentences, a paragraph for each that an empty line ends."""
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in comment[2:-2].strip().split("\n")]
    return ".PP\n" + "\n.PP\n".join(roff(part) for part in re.split(r"\n{2,}", "\n".join(lines).strip()))


def verbatim(code):
    return ".PP\n.nf\n.RS 4\n" + roff(code.strip("\n")) + "\n.RE\n.fi"


def body(text):
    """Comments as prose and declarations as they are, in the header's order, a paragraph each."""
    out = []
    for block in re.split(r"^(/\*.*?\*/)$", text, flags=re.S | re.M):
        if block.startswith("/*"):
            out.append(prose(block))
        else:
            out += [verbatim(part.replace("HONE_API ", "")) for part in re.split(r"\n{2,}", block) if part.strip()]
    return "\n".join(out)


def sections(text, title):
    """(title, text) of each; guards and includes are no part of them."""
    parts = SECTION.split(GUARDS.sub("", text))
    return list(zip([title] + parts[1::2], parts[::2]))


def page(version, date, names, title, header, text, others):
    related = ", ".join(f"\\fB{roff(name)}\\fR(3)" for name in others)
    prototypes = re.findall(r"^HONE_API (.*?;)", text, re.S | re.M)
    synopsis = "\n".join([f"#include <hone.h>   /* {header} */", *(re.sub(r"\n\s+", "\n    ", p) for p in prototypes)])
    return f""".TH {names[0].upper()} 3 "{date}" "hone {version}" "hone: C API"
.SH NAME
{", ".join(roff(name) for name in names)} \\- {roff(title)}
.SH SYNOPSIS
.nf
{roff(synopsis)}
.PP
cc $(pkg\\-config \\-\\-cflags hone) FILE.c $(pkg\\-config \\-\\-libs hone)
.fi
.SH DESCRIPTION
What errors, ownership, threads and texts are, and structs that begin with their size:
.BR hone (3).
{body(text)}
.SH SEE ALSO
{related}
"""


def main():
    include, out, date = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    texts = {name: (include / "hone" / name).read_text() for name, _ in HEADERS}
    version = re.search(r'HONE_VERSION "(.*?)"', texts["hone.h"])[1]
    pages, common = [], ""
    for header, title in HEADERS:
        for title, text in sections(texts[header], title):
            names = FUNCTION.findall(text)
            if names:
                pages.append((names, title, f"hone/{header}", text))
            else:
                common += text
    firsts = [names[0] for names, *_ in pages]
    index = "\n".join(f".TP\n.BR {roff(names[0])} (3)\n{roff(title)}: {', '.join(map(roff, names))}" for names, title, *_ in pages)
    (out / "hone.3").write_text(f""".TH HONE 3 "{date}" "hone {version}" "hone: C API"
.SH NAME
hone \\- text models on the CPU: the C API
.SH SYNOPSIS
.nf
#include <hone.h>
.fi
.SH DESCRIPTION
{body(common).removeprefix(".PP" + chr(10))}
.SH PAGES
{index}
.SH SEE ALSO
.BR hone (1)
""")
    for names, title, header, text in pages:
        others = ["hone"] + [name for name in firsts if name != names[0]]
        (out / f"{names[0]}.3").write_text(page(version, date, names, title, header, text, others))
        for name in names[1:]:
            (out / f"{name}.3").write_text(f".so man3/{names[0]}.3\n")


if __name__ == "__main__":
    main()
