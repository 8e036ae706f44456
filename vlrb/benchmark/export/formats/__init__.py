"""The formats: a module `<name>` with a function `<name>(folder, content)`."""
