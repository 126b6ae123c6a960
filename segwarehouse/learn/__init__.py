"""What is learned about one department: arrays in, frozen dataclasses out. The only importer of the learners."""
