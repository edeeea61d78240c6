/** Secrets that the contract sends and no answer repeats. A recording of it must not hold any of these texts. */
export const secrets = {
  bearer: "sk-contract-bearer-7Qm2xV9tLr4Kp1",
  apiKey: "sk-ant-contract-key-3Zs8nWf6Yb0Hd5",
  googleKey: "AIzaContractKey9Gj4Tq7Uo2Ec6Mx1Ra8",
  cookie: "contract-cookie-5Xv1Bn8Lk3Pw7",
  query: "contract-query-key-2Jd9Ft6Sy4Ag0",
} as const;
