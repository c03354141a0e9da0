"""What a program calls: short functions over the stages' own, which `import octavo` has by name."""
