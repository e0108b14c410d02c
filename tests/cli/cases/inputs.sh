# What documents come in: formats told by name and by the first line, fields, several
# files, folders; and what is no text.
ranked() { run rank -m fake -q owl --tsv "$@" | cut -f 2-4; }
echo '-- JSON over several lines: an array, objects, records of other programs'
printf '[\n {"page_content": "the owl", "metadata": {"source": "a.pdf"}},\n {"page_content": "bread", "metadata": {"source": "b.pdf"}}\n]\n' >chunks.json
ranked chunks.json
ranked --id-field metadata.source <chunks.json
ranked --field id=metadata.source --field title=metadata.source chunks.json
printf '["the owl", "bread"]' | ranked
printf '{\n  "text": "owl",\n  "id": 1\n}\n{\n  "text": "bread"\n}\n' | ranked
printf '"the owl"\n"bread"\n' | ranked
printf '[1] a note that begins with a bracket\n{{owl}}\n' | ranked
printf '[{"text": "owl"},\n' >open.json
ranked open.json
printf '[1, 2]\n' >numbers.json
ranked numbers.json
echo '-- fields that are not the usual ones'
printf '{"url": "u1", "summary": "an owl"}\n{"url": "u2", "summary": "bread"}\n' >odd.jsonl
ranked odd.jsonl
ranked --field text=summary --id-field url odd.jsonl
ranked --field summary odd.jsonl
ranked --field text= odd.jsonl
printf '{"_id": "d1", "title": "Owls", "text": ""}\n{"docid": "d2", "title": null, "contents": "owl"}\n{"text": null}\n' >beir.jsonl
ranked beir.jsonl
head -n 2 beir.jsonl | run rank -m fake -q Owls --field title= --tsv | cut -f 2-4
echo '-- tables'
printf 'id,title,text\n7,"A ""big"" owl","it\nhunts, owl"\n8,,bread\n' >table.csv
run rank -m fake -q owl table.csv
printf 'Text;Id\nan owl;x\nbread\n' >semicolons.csv
ranked semicolons.csv
printf 'p1\tthe owl\np2\tbread\n' >collection.tsv
ranked collection.tsv
printf 'name,body text\na,owl\n' >columns.csv
ranked columns.csv
ranked --field 'text=body text' --id-field name columns.csv
printf 'text,id\n"owl\n' >quote.csv
ranked quote.csv
printf 'text,id\nowl,1,2\n' >cells.csv
ranked cells.csv
printf 'the owl\nbread\n' | ranked --format csv
printf 'p1\t"owl" said it\np2\t"bread\np3\t"two\nowl lines"\np4\t"a ""big"" owl"\n' >quotes.tsv
run rank -m fake -q owl quotes.tsv
printf '{"text": "owl", "id": "j1"}\n{"text": "bread"}\n' >records.csv
ranked records.csv
printf '[{"text": "owl"}]\n' >array.tsv
ranked array.tsv
printf '{curly},id\nowl,1\n' >braces.csv
ranked --field 'text={curly}' braces.csv
echo '-- NUL, paragraphs, whole files'
printf 'an owl\nat night\000bread\000' | ranked -0
printf '# Owls\n\nThey hunt,\nthe owl too.\n\n\nbread\n' >notes.md
run rank -m fake -q owl notes.md
run rank -m fake -q owl --format files notes.md table.csv
echo '-- several files, and folders'
mkdir -p notes/deep notes/.hidden
printf 'an owl\n\nbread\n' >notes/a.txt
printf '{"text": "owl two"}\n' >notes/deep/b.jsonl
printf 'owl\n' >notes/.hidden/c.txt
printf '\211PNG\r\n' >notes/picture.png
ln -s .. notes/deep/up
ranked notes/a.txt notes/deep/b.jsonl
ranked notes
ranked -r notes
ranked -r notes/.hidden notes/.hidden
mkdir nothing
ranked -r nothing
ranked notes/a.txt nowhere.txt
ranked - notes/a.txt <notes/a.txt
ranked - - <notes/a.txt
echo '-- text that is not UTF-8, and what is no text'
utf16() { printf 'owl \303\244\360\237\246\211\nbread\n' | iconv -f UTF-8 -t "$1"; }
utf16 UTF-16LE | ranked
utf16 UTF-16BE | ranked
(printf '\376\377'; utf16 UTF-16BE) | run rank -m fake -q owl
(printf '\377\376'; printf '{"text": "owl", "id": 5}\n' | iconv -t UTF-16LE) | ranked
(printf '\377\376'; utf16 UTF-16LE | head -c 9) | run rank -m fake -q owl
for start in '\037\213x' '(\265/\375' 'BZh91AY&SY' '\3757zXZ' 'PK\003\004' '%%PDF-1.4' \
    'SQLite format 3\000' 'PAR1\025' 'GGUF\003\000' '\211PNG' '\377\330\377' '\177ELF' '{\\rtf1' \
    '\377\376\000\000' 'text\000more'; do
    printf "$start" >bytes
    run rank -m fake -q owl bytes
done
printf 'GGUF is an owl\nBZh and PAR1 too\n' | ranked
echo '-- JSON of lenient writers'
printf '{"text": "owl", "score": NaN, "id": 12345678901234567890}\n{"text": "b\\ud83d", "x": -Infinity, "y": 1e999}\n{"text": "\\ud83e\\udd89", "text": "owl"}\n' >lenient.jsonl
run rank -m fake -q owl lenient.jsonl
ranked lenient.jsonl
printf '{"text": "tab\there"}\n{"text": "a", }\n' | ranked
echo '-- the query as an argument'
printf 'an owl\nbread\n' >two.txt
run rank -m fake owl two.txt
run rank -m fake owl --tsv two.txt <two.txt
run rank -m fake two.txt
run rank -m fake owl <two.txt
echo '-- bytes that are no text, and texts that are nearly JSON or tables'
bytes() { # bytes NAME FORMAT: printf
    printf "$2" >"$1"
    run rank -m fake -q owl --tsv "$1"
}
bytes lz4 '\004\042\115\030dowl\n'
bytes lzip 'LZIP\001owl\n'
bytes compressed '\037\235\220owl\n'
bytes avro 'Obj\001\004owl\n'
bytes orc 'ORC\nowl\n'
bytes pickle '\200\004\225\020owl\n'
bytes numpy '\223NUMPY\001owl\n'
bytes archive '7z\274\257\047\034owl\n'
bytes unknown '\001\002\003owl\004\005\006 at \016\017 night\n'
bytes colours '\033[1mowl\033[0m at night, \tand a bell: \a\n'
bytes sequence '\036{"text": "owl", "id": "a"}\n\036{"text": "bread", "id": "b"}\n'
bytes comment.txt '// notes\n{"text": "owl"}\n'
bytes python.txt "{'text': 'owl'}\n{'text': 'bread'}\n"
run rank -m fake -q owl --tsv --format lines python.txt
bytes sheet.csv 'sep=;\r\nid;text\r\n1;owl, at night\r\n2;bread\r\n'
bytes sheet2.csv 'sep=|\n1|2\n'
bytes old_mac.txt 'owl\rbread\rmice\r'
bytes windows.txt 'owl\r\nbread\r\n'
echo '-- what cannot be told is not passed over in silence'
mkdir links
printf 'an owl\n' >links/a.txt
ln -s /nonexistent/blob links/gone.txt
run rank -m fake -q owl --tsv -r links
