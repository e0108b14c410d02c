unset GRT_ISA
install_under bare
rm -r bare/share
run doctor
run doctor --json
install_under good
run doctor
run doctor --json
printf 'a\n' | run rank -q a --json
GRT_ISA=avx2 run doctor | head -n 5
GRT_ISA=avx2 run doctor --json
command=$PWD/good/bin/grating
install_under missing
run doctor
install_under reversed
run doctor
install_under unreadable
run doctor --json
