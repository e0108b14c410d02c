run inspect fake
run inspect --tensors fake
run inspect fake --json
run inspect --json --tensors fake
install_under here
run inspect | head -n 2
echo '-- the memory plan'
run inspect fake --memory 300M | sed -n '/^memory/,$p'
run inspect fake --memory 1.5G --documents 1 --tokens 5 --resident | sed -n '/^memory/,$p'
run inspect fake --documents 1500 | sed -n '/^memory/,$p'
run inspect fake --hidden bf16 --tensors | sed -n '/^memory/,$p'
run inspect fake --json --memory 300M -t 2
run inspect fake --json --documents 3
run inspect fake --memory 1M
run inspect fake --memory 1M --json
run inspect fake --tokens 13
run inspect fake --tokens 0
run inspect fake --documents 0
run inspect fake --memory 3X
run inspect fake --resident --streamed
run inspect layered --resident --cutoff-layer 3
run inspect fake --cutoff-layer 3
run inspect uncalibrated | grep profile
