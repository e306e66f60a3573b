/** What AWS's client of a service has and its table leaves out. */
export interface LeftOut {
  readonly reason: string;
  /** All of it, by name, separated by white space. */
  readonly operations: string;
}

/** By what the service's address begins with, for the clients of `package.json`. */
export const LEFT_OUT: Readonly<Record<string, LeftOut>> = {
  'bedrock-runtime': {
    reason: 'nothing',
    operations: '',
  },
  bedrock: {
    reason:
      'writes, or tells what others have: guardrails, custom models, jobs, the logging and retention of the account',
    operations: `
      BatchDeleteAdvancedPromptOptimizationJob BatchDeleteEvaluationJob CancelAutomatedReasoningPolicyBuildWorkflow
      CreateAdvancedPromptOptimizationJob CreateAutomatedReasoningPolicy CreateAutomatedReasoningPolicyTestCase
      CreateAutomatedReasoningPolicyVersion CreateCustomModel CreateCustomModelDeployment CreateEvaluationJob
      CreateFoundationModelAgreement CreateGuardrail CreateGuardrailVersion CreateInferenceProfile
      CreateMarketplaceModelEndpoint CreateModelCopyJob CreateModelCustomizationJob CreateModelImportJob
      CreateModelInvocationJob CreatePromptRouter CreateProvisionedModelThroughput DeleteAutomatedReasoningPolicy
      DeleteAutomatedReasoningPolicyBuildWorkflow DeleteAutomatedReasoningPolicyTestCase DeleteCustomModel
      DeleteCustomModelDeployment DeleteEnforcedGuardrailConfiguration DeleteFoundationModelAgreement
      DeleteGuardrail DeleteImportedModel DeleteInferenceProfile DeleteMarketplaceModelEndpoint
      DeleteModelInvocationLoggingConfiguration DeletePromptRouter DeleteProvisionedModelThroughput
      DeleteResourcePolicy DeregisterMarketplaceModelEndpoint ExportAutomatedReasoningPolicyVersion
      GetAccountDataRetention GetAdvancedPromptOptimizationJob GetAutomatedReasoningPolicy
      GetAutomatedReasoningPolicyAnnotations GetAutomatedReasoningPolicyBuildWorkflow
      GetAutomatedReasoningPolicyBuildWorkflowResultAssets GetAutomatedReasoningPolicyNextScenario
      GetAutomatedReasoningPolicyTestCase GetAutomatedReasoningPolicyTestResult GetCustomModel
      GetCustomModelDeployment GetEvaluationJob GetGuardrail GetImportedModel GetMarketplaceModelEndpoint
      GetModelCopyJob GetModelCustomizationJob GetModelImportJob GetModelInvocationJob
      GetModelInvocationLoggingConfiguration GetPromptRouter GetResourcePolicy GetUseCaseForModelAccess
      ListAdvancedPromptOptimizationJobs ListAutomatedReasoningPolicies ListAutomatedReasoningPolicyBuildWorkflows
      ListAutomatedReasoningPolicyTestCases ListAutomatedReasoningPolicyTestResults ListCustomModelDeployments
      ListCustomModels ListEnforcedGuardrailsConfiguration ListEvaluationJobs ListFoundationModelAgreementOffers
      ListGuardrails ListImportedModels ListMarketplaceModelEndpoints ListModelCopyJobs ListModelCustomizationJobs
      ListModelImportJobs ListModelInvocationJobs ListPromptRouters ListTagsForResource PutAccountDataRetention
      PutEnforcedGuardrailConfiguration PutModelInvocationLoggingConfiguration PutResourcePolicy
      PutUseCaseForModelAccess RegisterMarketplaceModelEndpoint StartAutomatedReasoningPolicyBuildWorkflow
      StartAutomatedReasoningPolicyTestWorkflow StopAdvancedPromptOptimizationJob StopEvaluationJob
      StopModelCustomizationJob StopModelInvocationJob TagResource UntagResource UpdateAutomatedReasoningPolicy
      UpdateAutomatedReasoningPolicyAnnotations UpdateAutomatedReasoningPolicyTestCase UpdateCustomModelDeployment
      UpdateGuardrail UpdateMarketplaceModelEndpoint UpdateProvisionedModelThroughput
    `,
  },
  'bedrock-agent-runtime': {
    reason: 'tags, and documents and access lists of knowledge bases',
    operations: `
      CheckIngestedDocumentAcl GetDocumentContent GetIngestedDocumentAcl ListTagsForResource TagResource
      UntagResource
    `,
  },
  'bedrock-agentcore': {
    reason: 'tokens of identities, payments, memories, code and commands',
    operations: `
      BatchCreateMemoryRecords BatchDeleteMemoryRecords BatchUpdateMemoryRecords CompleteResourceTokenAuth
      CreateABTest CreateEvent CreatePaymentInstrument CreatePaymentSession DeleteABTest DeleteBatchEvaluation
      DeleteCapacityProviderSession DeleteEvent DeleteMemoryRecord DeletePaymentInstrument DeletePaymentSession
      DeleteRecommendation Evaluate GetABTest GetAgentCard GetBatchEvaluation GetBrowserSession
      GetCodeInterpreterSession GetEvent GetMemoryRecord GetPaymentInstrument GetPaymentInstrumentBalance
      GetPaymentSession GetRecommendation GetResourceApiKey GetResourceOauth2Token GetResourcePaymentToken
      GetWorkloadAccessToken GetWorkloadAccessTokenForJWT GetWorkloadAccessTokenForUserId IngestData
      InvokeAgentRuntimeCommand InvokeBrowser InvokeCodeInterpreter InvokeHarness ListABTests ListActors
      ListBatchEvaluations ListBrowserSessions ListCodeInterpreterSessions ListEvents ListMemoryExtractionJobs
      ListMemoryRecords ListPaymentInstruments ListPaymentSessions ListRecommendations ListSessions ProcessPayment
      RetrieveMemoryRecords SaveBrowserSessionProfile SearchRegistryRecords StartBatchEvaluation StartBrowserSession
      StartCodeInterpreterSession StartMemoryExtractionJob StartRecommendation StopBatchEvaluation
      StopBrowserSession StopCodeInterpreterSession StopRuntimeSession UpdateABTest UpdateBrowserStream
    `,
  },
};
