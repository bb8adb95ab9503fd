# test-label prints fastText's columns, with the values that fastText 0.9.2 gets wrong.
headwise test-label model test.txt
headwise test-label model <(echo '__label__pos a good film')
