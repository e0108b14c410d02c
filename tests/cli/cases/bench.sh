# Arguments of bench, and its files for a model whose numbers are known.
run help bench
run bench
run bench ablation streaming
run bench abl
run bench ablation -k 60
run bench ablation -k 0
run bench ablation --policy none
run bench ablation --policy best
run bench ablation --runs 0
run bench ablation --runs 100
run bench ablation --documents 1e3
run bench ablation --tokens 0
run bench ablation --schedule 3:1
run bench ablation --schedule 3:1:1,2:1:1
run bench ablation --policy bound --schedule 3:1:1
run bench streaming --by k
run bench scaling --values 3
run bench scaling --by n
run bench scaling --by k --values 3,,4
run bench scaling --by k --values 0
run bench scaling --by k --values 1K
run bench scaling --by budget --values 1P
run bench scaling --by budget --values 1M,2M,3M,4M,5M,6M,7M,8M,9M,10M,11M,12M,13M,14M,15M,16M,17M
run bench --worker </dev/null
run bench ablation -m missing
run bench ablation -m unreadable
run bench ablation -m fake --text nowhere
printf '\n  \n' >blank.txt
run bench ablation -m fake --text blank.txt
run bench ablation -m fake --csv nowhere/a.csv
run bench ablation -m fake --svg nowhere/a.svg
printf 'kept\n' >old.csv
run bench ablation -m interrupt --csv old.csv --svg new.svg
cat old.csv
ls
# Columns that do not depend on the machine; the fake counts words and cuts at 12.
show_csv() { grep -v '^#' "$1" | cut -d , -f "$2"; }
echo '-- ablation'
"$command" bench ablation -m fake --documents 6 --tokens 9 -k 2 --csv a.csv >a.txt
show_csv a.csv 1-7
show_csv a.csv 13,23,24,27-30
grep '^pruning\|^request\|^runs' a.txt
grep -c '^# ' a.csv
echo '-- scaling'
"$command" bench scaling -m fake --by tokens --values 8,9,50 -k 2 --documents 4 --runs 1 \
    --csv b.csv --svg b.svg >b.txt
show_csv b.csv 1-7,13,30
grep 'were cut' b.txt
grep -o '<text[^>]*class="name">[^<]*' b.svg | sed 's/.*>//'
grep -c '<rect class="\(time\|peak\)"' b.svg
echo '-- words of a file'
printf 'one two\n\nthree  four\tfive\n' >words.txt
"$command" bench streaming -m fake --tokens 12 --documents 2 --text words.txt --runs 1 \
    --csv c.csv >/dev/null
show_csv c.csv 1-4,13
