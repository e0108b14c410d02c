# Words of the query are set off: whole ones, in either case, with and without an s.
printf 'Owls hunt, and an owl waits for the scowl\nThe \303\226le and \303\266les\n\033[31mowl\nhow the owl\n' >four.txt
run rank -m fake --color always -q 'how do owls' four.txt
run rank -m fake --color always -q "$(printf '\303\266le owl hunt')" four.txt
run rank -m fake --color always -q wait --width 44 four.txt
run rank -m fake --color always -q 'waits' --width 39 four.txt
run rank -m fake --color auto -q owl four.txt
run rank -m fake --color never -q owl four.txt
run rank -m fake --color maybe -q owl four.txt
run rank -m fake --color always -q owl --tsv four.txt
