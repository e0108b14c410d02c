# Scripts for shells: they parse where the shell is here, and complete.
for shell in bash zsh fish; do
    "$command" completion $shell >script.$shell
    echo "exit: $?"
done
bash -n script.bash && echo 'bash takes it'
complete_bash() { # the words that complete the last one
    bash -c '. ./script.bash; COMP_WORDS=(grating "$@"); COMP_CWORD=$#; _grating; printf "%s\n" "${COMPREPLY[@]}"' \
        bash "$@" | sort | tr '\n' ' '
    echo
}
complete_bash pl
complete_bash rank --pre
complete_bash inspect --te
complete_bash doctor --
: >file-here
complete_bash rank fil
grep -c '' script.zsh script.fish
grep -- '-l precision ' script.fish
grep -o "'--precision=[^']*'" script.zsh
run completion
run completion tcsh
run completion bash zsh
echo '-- repeated and mistyped options'
printf 'a\n' >a.txt
run rank -m fake -q b -q a a.txt
run rank -m fake -q a --field id=x --field text=y --json=1 a.txt
run rank --quer a
run rank --memmory 3 a
run rank -q a --memory 300 a.txt
run rank -q a --memory 0.5 a.txt
run insepct
run bank
run zzz
