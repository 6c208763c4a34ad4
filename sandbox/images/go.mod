module synergychat/sandbox/images

go 1.25
