# Wrong usage, help, and failures of the model.
run
run --version
run --help
run help rank
run inspect --help
run plot --help
run calibrate --help
run doctor -h
run help
run help nothing
run help rank inspect
run rnk
run --verbose
run rank
run rank -q a --jsn
run rank -x
run rank -q
run rank -q a --model
run rank -q a --json=yes
run rank -q a --json --tsv
run rank -q a --queries b
run rank -q ''
run rank --queries b c
run rank --queries b --format lines
run rank -q a b c
run rank -q a -k x
run rank -q a -k ''
run rank -q a -k -1
run rank -q a -k 99999999999999999999999999
run rank -q a --top=1000000001
run rank -q a --threads 1025
run rank -q a -t 2x
run rank -q a --format xml
run rank -q a "--$(printf 'bad\nline\033')"
run inspect a b
run inspect --tsv a
run doctor a
run doctor --jso
printf 'a\n' >a.txt
run rank -q a --model=missing a.txt
run rank -q a -mmissing a.txt
run rank -q a -m unreadable a.txt
run rank -q a -m plain --instruction x a.txt
run rank -q a -m interrupt a.txt
run inspect missing
echo '-- a bundled model by its name, unless there is such a file here'
install_under named
mkdir named/share/grating/models/other
run inspect other
run rank -q a -m other a.txt
mkdir other
run inspect other
run inspect ./named
echo '-- no bundled model'
install_under bare
rm -r bare/share
run rank -q a a.txt
run inspect
