# grating calibrate: what it says, what it keeps, and what it does not overwrite.
for i in 1 2 3 4 5 6 7 8 9; do
    printf '{"query": "q%s", "documents": ["a", {"text": "b"}], "id": 1, "k": 1}\n' $i
done >nine.jsonl
head -n 3 nine.jsonl >three.jsonl
own=.local/share/grating/profiles # of the home folder, which is this one
brief() { # the transcript without the tables
    run "$@" | sed -e '/^precision /,/^readouts/d' -e '/^advice/d' -e '/^$/d'
}
echo '-- a first run, and one that finds everything there'
run calibrate -m fake --queries nine.jsonl
cat $own/fake.samples $own/fake.profile.safetensors
run calibrate -m fake --queries nine.jsonl --precision 0.5 -k 4
echo '-- from the samples alone'
run calibrate -m fake --fit-only -k 1000
run calibrate -m fake --fit-only --json -k 1 --precision 0.95
run calibrate -m fake --queries nine.jsonl --json
echo '-- more queries'
printf '{"query": "one", "documents": ["a"], "instruction": "x"}\n' >more.jsonl
printf '{"query": "own", "documents": ["a", "b", "c"], "instruction": "x"}\n' >>more.jsonl
printf '\n{"query": "q1", "documents": ["a", "b"]}\n' >>more.jsonl
printf '{"query": "q1", "documents": ["a"]}\n' >>more.jsonl
run calibrate -m fake --queries - -k 1 --instruction y <more.jsonl
tail -n 2 $own/fake.samples
echo '-- what the report makes of its numbers'
for model in misses doubtful deep; do
    cp $own/fake.samples $own/$model.samples
    run calibrate -m $model --fit-only -k 1
done
run calibrate -m misses --fit-only --json -k 1
echo '-- names of files'
mkdir -p dir
brief calibrate -m dir --queries nine.jsonl -k 1
brief calibrate -m dir --fit-only -k 1 --beside-model
brief calibrate -m dir/ --fit-only -k 1 --beside-model --samples $own/dir.samples
brief calibrate -m fake --queries nine.jsonl -k 1 --beside-model
ls dir $own
rm -f fake.profile.safetensors
brief calibrate -m fake --queries nine.jsonl -k 1 -o mine.safetensors
brief calibrate -m fake --queries nine.jsonl -k 1 -o mine -t 2 --hidden bf16
brief calibrate -m fake --queries nine.jsonl -k 1 --output=x --samples kept --memory 1G
ls
echo '-- where the data folder is'
XDG_DATA_HOME=$PWD/data "$command" calibrate -m fake --queries nine.jsonl -k 1 --json >out
ls data/grating/profiles
XDG_DATA_HOME=relative "$command" calibrate -m fake --fit-only -k 1 --json >out
ls relative 2>&1
(unset HOME; run calibrate -m fake --queries nine.jsonl; run calibrate -m fake --fit-only \
    --beside-model; brief calibrate -m fake --fit-only -k 1 -o mine --samples kept)
(XDG_DATA_HOME=/proc/none; export XDG_DATA_HOME; run calibrate -m fake --queries nine.jsonl)
echo '-- a profile that rests on more queries stays'
brief calibrate -m fake --queries three.jsonl -o more --samples few.samples
brief calibrate -m fake --fit-only -o more --samples $own/fake.samples
head -n 8 nine.jsonl >eight.jsonl
brief calibrate -m fake --queries eight.jsonl -o more --samples eight.samples
ls eight.samples
brief calibrate -m fake --queries - -o more --samples eight.samples <eight.jsonl
brief calibrate -m fake --fit-only -o more --samples eight.samples
brief calibrate -m fake --fit-only -o more --samples eight.samples --force
cat more
rm -f more few.samples eight.samples
echo '-- interrupted: what is done is kept, and the same command goes on'
brief calibrate -m interrupt --queries nine.jsonl
brief calibrate -m interrupt --queries nine.jsonl -o mine
printf '{"query": "new", "documents": ["a", "b"]}\n' | cat nine.jsonl - >ten.jsonl
brief calibrate -m interrupt --queries ten.jsonl -o mine
brief calibrate -m fake --queries ten.jsonl -o mine -k 1
brief calibrate -m stop --fit-only --samples mine.samples
echo '-- Ctrl-C while a layer computes, once and twice'
for kills in 'kill' 'kill -INT $pid; kill'; do
    rm -f $own/slow.samples
    "$command" calibrate -m slow --queries nine.jsonl >out 2>&1 &
    pid=$!
    until [ "$(wc -l <$own/slow.samples)" -ge 2 ]; do sleep 0.01; done 2>/dev/null
    eval "$kills -INT \$pid" 2>/dev/null # it may be gone by the second
    wait $pid
    echo "exit: $?"
    [ "$kills" = kill ] && sed 's/[0-9] quer[a-z]* [a-z]* kept/N queries are kept/' out
    ls $own/slow.*
done
echo '-- a Ctrl-C while it waits for a query'
mkfifo queries
"$command" calibrate -m fake --queries queries --samples fifo.samples >out 2>&1 &
pid=$!
exec 3>queries
head -n 2 nine.jsonl >&3
until [ "$(wc -l <fifo.samples)" = 3 ]; do sleep 0.01; done 2>/dev/null
kill -INT $pid
wait $pid
echo "exit: $?"
exec 3>&-
rm queries
cat out
brief calibrate -m fake --queries nine.jsonl --samples fifo.samples -k 1 --force
echo '-- a last record that was cut off'
head -c 100 fifo.samples >cut.samples
brief calibrate -m fake --queries nine.jsonl --samples cut.samples -k 1 --force
cmp cut.samples fifo.samples
echo '-- too few queries'
brief calibrate -m few --queries three.jsonl
printf '{"query": "q", "documents": ["a"]}\n' >single.jsonl
brief calibrate -m few --queries single.jsonl
: >empty.jsonl
brief calibrate -m few --queries empty.jsonl --samples none.samples
brief calibrate -m few --fit-only
echo '-- bad lines are found before the first pass, but for a pipe'
printf '{"query": "late", "documents": ["a", "b"]}\n{}\n' >bad.jsonl
brief calibrate -m bad --queries bad.jsonl
ls $own/bad.samples
brief calibrate -m bad --queries - <bad.jsonl
cat $own/bad.samples
echo '-- failures'
run calibrate -m missing --queries nine.jsonl
run calibrate -m fake --queries nowhere.jsonl
run calibrate -m unreadable --queries nine.jsonl
run calibrate -m absent --fit-only
run calibrate -m fake --queries nine.jsonl --samples nine.jsonl.txt -o nowhere/p
run calibrate -m ./nowhere/fake --queries nine.jsonl
run calibrate -m fake --queries nine.jsonl --samples nowhere/s
run calibrate -m fake --queries nine.jsonl --samples nowhere/s -o p
run calibrate -m other --queries nine.jsonl --samples $own/fake.samples
run calibrate -m fake --queries nine.jsonl --samples bad.jsonl
echo '-- a full disk'
run calibrate -m fake --queries nine.jsonl --samples /dev/full
run calibrate -m fake --queries nine.jsonl -o /dev/full --samples $own/fake.samples
"$command" calibrate -m fake --fit-only 2>&1 >/dev/full
echo "exit: $?"
echo '-- a file that is no profile is not written over'
ln three.jsonl link.jsonl
run calibrate -m fake --queries three.jsonl -o link.jsonl
run calibrate -m fake --queries three.jsonl --samples ./three.jsonl
run calibrate -m fake --queries nine.jsonl --samples ./$own/fake.profile.safetensors
run calibrate -m fake --queries nine.jsonl -o $own/fake.samples --samples kept
printf '123' >short
run calibrate -m fake --queries nine.jsonl -o short
echo '-- an old profile is, and one that is damaged is no obstacle'
printf 'grating profile damaged' >damaged
brief calibrate -m fake --fit-only -o damaged --samples $own/fake.samples
printf 'damaged' >$own/fake.profile.safetensors
brief calibrate -m fake --fit-only
cat damaged $own/fake.profile.safetensors
echo '-- usage'
run calibrate
run calibrate --queries
run calibrate --queries ''
run calibrate --queries a b
run calibrate --queries a --fit-only
run calibrate --fit-only --instruction x
run calibrate --fit-only -o ''
run calibrate --fit-only -o x --beside-model
run calibrate --fit-only --samples ''
run calibrate --fit-only -k 0
run calibrate --fit-only -k 1001
run calibrate --fit-only --precision 1
run calibrate --fit-only --memory x
run calibrate --fit-only --policy none
