module probe

go 1.24

require tidegate.dev/tidegate v0.0.0

replace tidegate.dev/tidegate => ../../../../sdk/go
