import {
  createIdentifierFromRawId,
  getIdentifierKind,
  getIdentifierRawId,
} from '@azure/communication-common';

function main() {
  const telephone = createIdentifierFromRawId('4:+15550100');
  console.log(getIdentifierKind(telephone).kind, telephone.phoneNumber);
  console.log(getIdentifierRawId({ communicationUserId: '8:acs:anna' }));
}
