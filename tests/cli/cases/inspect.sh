run inspect fake
run inspect --tensors fake
run inspect fake --json
run inspect --json --tensors fake
install_under here
run inspect | head -n 2
