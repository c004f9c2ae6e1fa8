"""What Tasker's users have written, as objects of ours: one rule to a file, nothing lost in silence.

Pure but for reading the files: `convert.convert_files` is what `kubesaga import tasker` calls.
"""
