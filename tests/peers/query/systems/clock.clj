;; How operations are timed on the JVM, as base.py does it, and how one is told which.
(require '[clojure.java.io :as io] '[clojure.string :as string] '[jsonista.core :as json])

(defn timed [run batch]
  (let [begun (System/nanoTime)
        found (loop [left batch found nil] (if (pos? left) (recur (dec left) (run)) found))]
    [(/ (- (System/nanoTime) begun) 1e6 batch) found]))

(defn batch-of [best] (long (max 1 (Math/ceil (/ 20 best)))))

(defn warm-up [run best warm]
  (loop [best best spent best]
    (if (>= spent warm)
      best
      (let [batch (batch-of best) [took] (timed run batch)]
        (recur (min best took) (+ spent (* took batch)))))))

(defn measure [run warm budget]
  (let [[first-run found] (timed run 1)]
    (if (> first-run 20000)
      {:ms first-run :runs 1 :count found}
      (let [batch (batch-of (warm-up run first-run warm))]
        (loop [times [] found found]
          (if (or (empty? times) (< (* batch (reduce + times)) budget))
            (let [[took found] (timed run batch)] (recur (conj times took) found))
            {:ms (nth (sort times) (quot (count times) 2)) :runs (* batch (count times))
             :count found}))))))

(defn say [answer] (println (json/write-value-as-string answer)) (flush))

(defn answer-all
  "Times what it is told. `prepared` makes of an operation what runs it."
  [version prepared]
  (say {:ready (str "Datalevin " version)})
  (doseq [line (line-seq (io/reader System/in))]
    (let [[op warm budget] (string/split line #" ")]
      (say (try (measure (prepared op) (parse-long warm) (parse-long budget))
                (catch Throwable error {:error (str error)}))))))
