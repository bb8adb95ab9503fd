"""TF-IDF and a linear support vector machine on one data set; prints the result as JSON.

English: words, question and exclamation marks, and pairs of them. Chinese: sequences of one to three characters that occur in at least
two texts. Sublinear term frequency. C = 0.5; multi-label: one machine a label, C = 1. No tuning.
"""

import json
import sys
import time

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC

import datasets


def vectorizer(language):
    if language == "zh":
        return TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
    return TfidfVectorizer(token_pattern=r"\w+|[?!]", ngram_range=(1, 2), sublinear_tf=True)


def predict_single(train, labels, test):
    machine = LinearSVC(C=0.5, random_state=0).fit(train, [next(iter(label)) for label in labels])
    return [{label} for label in machine.predict(test)]


def predict_multi(train, labels, test):
    binarizer = MultiLabelBinarizer()
    machine = OneVsRestClassifier(LinearSVC(C=1, random_state=0))
    machine.fit(train, binarizer.fit_transform(labels))
    return [set(row) for row in binarizer.inverse_transform(machine.predict(test))]


def main():
    data_set = datasets.find(sys.argv[1])
    labels, texts = datasets.read(data_set, "train")
    truth, test_texts = datasets.read(data_set, "test")
    start = time.monotonic()
    tfidf = vectorizer(data_set.language)
    train, test = tfidf.fit_transform(texts), tfidf.transform(test_texts)
    predict = predict_multi if data_set.multi_label else predict_single
    predicted = predict(train, labels, test)
    seconds = time.monotonic() - start
    print(json.dumps({"score": datasets.score(data_set, truth, predicted), "seconds": seconds}))


if __name__ == "__main__":
    main()
