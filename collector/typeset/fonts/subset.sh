#!/bin/sh
# Makes the two embedded fonts from Debian's fonts-noto-cjk (SIL OFL 1.1, see OFL.txt): Noto Sans CJK SC, reduced to
# what an inspection report needs: GB2312, Latin, Greek, Cyrillic, punctuation, arrows, units, box drawing.
#
# Needs: apt-get install fonts-noto-cjk fonttools. Run it in this folder; commit the two .otf files.
set -eu
cd "$(dirname "$0")"
source_folder=${1:-/usr/share/fonts/opentype/noto}

chars=$(mktemp)
trap 'rm -f "$chars"' EXIT
python3 - "$chars" <<'PY'
import sys

wanted = set(range(0x20, 0x7F)) | set(range(0xA0, 0x180))  # Basic Latin, Latin-1, Latin Extended-A
wanted |= set(range(0x370, 0x400)) | set(range(0x400, 0x460))  # Greek, Cyrillic
wanted |= set(range(0x2000, 0x2070)) | set(range(0x2070, 0x20C0))  # punctuation, super- and subscripts, currency
wanted |= set(range(0x2100, 0x2400))  # letterlike (℃), number forms, arrows, mathematical operators, technical
wanted |= set(range(0x2460, 0x2600)) | set(range(0x2600, 0x2700))  # enclosed numbers, box drawing, shapes, symbols
wanted |= {0x2713, 0x2714, 0x2717, 0x2718, 0xFFFD}
wanted |= set(range(0x3000, 0x3020)) | set(range(0x3200, 0x3400))  # CJK punctuation, enclosed CJK, units (㎡)
wanted |= set(range(0xFF01, 0xFF61)) | set(range(0xFFE0, 0xFFE7))  # full-width forms
for row in range(0xA1, 0xF8):  # every character of GB2312
    for cell in range(0xA1, 0xFF):
        try:
            wanted.add(ord(bytes((row, cell)).decode("gb2312")))
        except UnicodeDecodeError:
            pass
# Characters outside GB2312 that are common in today's names of people, places and companies.
wanted |= {ord(char) for char in "镕堃喆淼犇垚昇祎珺晞玥琪頔赟瑨翀邨曌囍翛甦祺鑫旻炘㛃㙍㵑㮾"}
with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write("\n".join(f"U+{code:04X}" for code in sorted(wanted)))
PY

for weight in Regular Bold; do
    # --font-number=2: the simplified Chinese face of the collection.
    pyftsubset "$source_folder/NotoSansCJK-$weight.ttc" \
        --font-number=2 \
        --unicodes-file="$chars" \
        --layout-features='kern,liga,locl,palt,halt,ccmp,mark' \
        --no-hinting --desubroutinize \
        --drop-tables+=vhea,vmtx,VORG,BASE \
        --name-IDs='0,1,2,3,4,5,6,13,14' \
        --output-file="NotoSansCJKsc-$weight.otf"
done
ls -l ./*.otf
